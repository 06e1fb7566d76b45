/**
 * Reads a file once, from its first byte to its last, in constant memory, for its length, hash and number of rows. A
 * workbook and a Parquet file have their directory at the end, so their rows are counted afterwards; so are those of an
 * encrypted file, if it can be decrypted.
 */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { arrayBuffer } from 'node:stream/consumers';
import type { Decrypter } from 'age-encryption';
import { asyncBufferFromFile } from 'hyparquet';
import { fromRandomAccessReaderPromise, openPromise, RandomAccessReader } from 'yauzl';
import { errorMessage } from '../runtime/errors.ts';
import { AgeFile } from './age-file.ts';
import { decompress } from './decompress.ts';
import { VerifyInputError } from './errors.ts';
import type { OpenedFile, ParsedManifest } from './inputs.ts';
import { countParquetRows } from './parquet-rows.ts';
import { rowCounterFor } from './row-counters.ts';
import { countXlsxRows } from './xlsx-rows.ts';

export interface ReadFile {
  bytes: number;
  sha256: string;
  /** The number of rows, or the reason why they cannot be counted; null: they are encrypted. */
  rows: number | { reason: string } | null;
}

/** @param decrypter of an encrypted file; null: its rows are not counted */
export async function readWholeFile(
  { path, handle }: OpenedFile,
  request: ParsedManifest['request'],
  decrypter: Decrypter | null,
): Promise<ReadFile> {
  const reader = new HashingReader(handle);
  const { format } = request;
  if (request.encryption)
    return {
      ...(await reader.rest()),
      rows:
        decrypter && (await countOrReason(() => countEncryptedRows(handle, request, decrypter))),
    };
  switch (format) {
    case 'csv':
    case 'json':
    case 'ndjson': {
      const source = reader.chunks();
      const rows = await countOrReason(() => countTextRows(format, source, request));
      // If counting stopped early, the generator may still be reading.
      await source.return(undefined);
      return { rows, ...(await reader.rest()) };
    }
    case 'xlsx':
      return {
        ...(await reader.rest()),
        rows: await countOrReason(async () => countXlsxRows(await openPromise(path))),
      };
    case 'parquet':
      return {
        ...(await reader.rest()),
        rows: await countOrReason(async () => countParquetRows(await asyncBufferFromFile(path))),
      };
    default:
      return format satisfies never;
  }
}

async function countTextRows(
  format: 'csv' | 'json' | 'ndjson',
  source: AsyncGenerator<Buffer>,
  { csv, compression }: ParsedManifest['request'],
): Promise<number> {
  const counter = rowCounterFor(format, csv);
  for await (const chunk of decompress(source, compression)) counter.count(chunk);
  return counter.end();
}

async function countEncryptedRows(
  handle: FileHandle,
  request: ParsedManifest['request'],
  decrypter: Decrypter,
): Promise<number> {
  const file = await AgeFile.open(handle, decrypter);
  const { format } = request;
  switch (format) {
    case 'csv':
    case 'json':
    case 'ndjson':
      return countTextRows(format, file.chunks(), request);
    case 'xlsx': {
      await decryptAll(file);
      const reader = new DecryptingZipReader(file);
      return countXlsxRows(await fromRandomAccessReaderPromise(reader, file.bytes));
    }
    case 'parquet':
      await decryptAll(file);
      return countParquetRows({
        byteLength: file.bytes,
        slice: (start, end = file.bytes) => arrayBuffer(Readable.from(file.range(start, end))),
      });
    default:
      return format satisfies never;
  }
}

/** Decrypts a file of which then only parts are read. Throws if any of it was changed. */
async function decryptAll(file: AgeFile): Promise<void> {
  for await (const _ of file.chunks());
}

class DecryptingZipReader extends RandomAccessReader {
  readonly #file: AgeFile;

  constructor(file: AgeFile) {
    super();
    this.#file = file;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#file.range(start, end));
  }
}

async function countOrReason(count: () => Promise<number>): Promise<number | { reason: string }> {
  try {
    return await count();
  } catch (error) {
    if (error instanceof VerifyInputError) throw error;
    return { reason: errorMessage(error) };
  }
}

/** Hashes the bytes of a file while they are read. */
class HashingReader {
  readonly #hash = createHash('sha256');
  readonly #handle: FileHandle;
  #bytes = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Yields the bytes. The caller may stop before the end. */
  async *chunks(): AsyncGenerator<Buffer> {
    for (;;) {
      const { bytesRead, buffer } = await this.#handle.read(
        Buffer.allocUnsafe(chunkBytes),
        0,
        chunkBytes,
        this.#bytes,
      );
      if (bytesRead === 0) return;
      const chunk = buffer.subarray(0, bytesRead);
      this.#hash.update(chunk);
      this.#bytes += bytesRead;
      yield chunk;
    }
  }

  /** Reads the rest of the file, and returns length and hash of the whole file. */
  async rest(): Promise<{ bytes: number; sha256: string }> {
    for await (const _ of this.chunks());
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }
}

const chunkBytes = 256 * 1_024;
