/**
 * Reads a file once, from its first byte to its last, in constant memory: how long it is, its hash, and how many
 * rows it has. Of a workbook and of Parquet the directory is at the end: their rows are looked up afterwards.
 */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { messageOf } from '../errors.ts';
import { decompress } from './decompress.ts';
import type { OpenedFile, Stated } from './inputs.ts';
import { rowsOfParquet } from './parquet.ts';
import { counterOf } from './rows.ts';
import { rowsOfWorkbook } from './workbook.ts';

export interface ReadFile {
  bytes: number;
  sha256: string;
  /** How many, or why the file is not one whose rows can be counted. */
  rows: number | { fault: string };
}

export async function readWhole(
  { path, handle }: OpenedFile,
  { format, compression, csv }: Stated['request'],
): Promise<ReadFile> {
  const pieces = new Pieces(handle);
  switch (format) {
    case 'csv':
    case 'json':
    case 'ndjson': {
      const source = pieces.asTheyCome();
      const rows = await orFault(async () => {
        const counter = counterOf(format, csv);
        for await (const piece of decompress(source, compression)) counter.count(piece);
        return counter.end();
      });
      // Left before its end it may still be reading.
      await source.return(undefined);
      return { rows, ...(await pieces.rest()) };
    }
    case 'xlsx':
      return { ...(await pieces.rest()), rows: await orFault(() => rowsOfWorkbook(path)) };
    case 'parquet':
      return { ...(await pieces.rest()), rows: await orFault(() => rowsOfParquet(path)) };
    default:
      return format satisfies never;
  }
}

async function orFault(count: () => Promise<number>): Promise<number | { fault: string }> {
  try {
    return await count();
  } catch (error) {
    return { fault: messageOf(error) };
  }
}

/** The bytes of a file, hashed as they pass. */
class Pieces {
  readonly #hash = createHash('sha256');
  readonly #handle: FileHandle;
  #bytes = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** May be left before the end. */
  async *asTheyCome(): AsyncGenerator<Buffer> {
    for (;;) {
      const { bytesRead, buffer } = await this.#handle.read(
        Buffer.allocUnsafe(PIECE_BYTES),
        0,
        PIECE_BYTES,
        this.#bytes,
      );
      if (bytesRead === 0) return;
      const piece = buffer.subarray(0, bytesRead);
      this.#hash.update(piece);
      this.#bytes += bytesRead;
      yield piece;
    }
  }

  /** To the end, wherever it was left. */
  async rest(): Promise<{ bytes: number; sha256: string }> {
    for await (const _ of this.asTheyCome());
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }
}

const PIECE_BYTES = 256 * 1_024;
