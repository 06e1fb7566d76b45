import { createHash } from 'node:crypto';
import { addAbortSignal, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ExportRequest } from '../contracts/export-request.ts';
import { EncoderBeside } from '../formats/beside/encoder.ts';
import { compressionOf } from '../formats/compression.ts';
import type { Encoder, Fragment, Written } from '../formats/format.ts';
import { formatOf } from '../formats/index.ts';
import { UnfitRow } from '../formats/unfit-row.ts';
import { Refusal } from '../runtime/errors.ts';
import { boundGarbage } from '../runtime/garbage.ts';
import type { Progress } from '../scheduling/attempt.ts';
import { type CopyOut, piecesToSpare } from '../sources/copy-out.ts';
import type { SourceColumn } from '../sources/datasets.ts';
import type { Readers } from './readers.ts';

/** Where the bytes of a file go. `write` copies the piece, and resolves when there is room for more. */
export interface Sink {
  write(piece: Buffer): Promise<void>;
}

interface Rows {
  request: ExportRequest;
  columns: readonly SourceColumn[];
  /** COPY statements, one for each part, in the order of the file. */
  statements: readonly string[];
  /** Whether this is the whole file, with its end, or a piece of one. */
  whole: boolean;
  /** Whether what stands before the first row of the file is written, too. */
  begins: boolean;
  sink: Sink;
  /** Kept current, for the heartbeat. */
  progress: Progress;
  /** Throws when that is more than the account may export. */
  requireRoom: () => void;
  signal: AbortSignal;
}

interface Wrote {
  rows: number;
  bytes: number;
  sha256: string;
  nulled: number[];
  /** Of a piece: what the end of the file has to say of it. */
  fragment: Fragment;
}

/**
 * COPY → encode → compress → hash → sink, in constant memory. The parts are read side by side and written
 * in their order. Of each, the rows that the server says it sent have to be as many as were counted in what
 * was written; anything else throws.
 */
export async function writeRows(readers: Readers, wanted: Rows): Promise<Wrote> {
  const { request, progress, requireRoom, sink } = wanted;
  const stop = new AbortController();
  const signal = AbortSignal.any([wanted.signal, stop.signal]);
  const hash = createHash('sha256');
  const made = new Parts(wanted.columns.length);
  async function write(pieces: AsyncIterable<Buffer>): Promise<void> {
    for await (const piece of pieces) {
      hash.update(piece);
      progress.bytes += piece.length;
      requireRoom();
      await sink.write(piece);
      boundGarbage();
    }
  }
  try {
    const compressor = compressionOf(request).member?.();
    const file = encoded(readers, { ...wanted, signal, compressor }, made);
    if (compressor) await pipeline(file, compressor, write, { signal });
    else await write(file);
  } finally {
    // Of what was begun ahead, when the file came to nothing.
    stop.abort();
  }
  const { rows, nulled, parts } = made;
  const sha256 = hash.digest('hex');
  return { rows, bytes: progress.bytes, sha256, nulled, fragment: parts[0]?.fragment ?? [] };
}

/** What has been made so far. */
class Parts {
  rows = 0;
  readonly nulled: number[];
  readonly parts: { bytes: number; fragment: Fragment }[] = [];

  constructor(columns: number) {
    this.nulled = Array.from({ length: columns }, () => 0);
  }

  add(rows: number, bytes: number, encoder: Encoder): void {
    this.rows += rows;
    for (const [n, more] of (encoder.nulled?.() ?? []).entries())
      this.nulled[n] = (this.nulled[n] ?? 0) + more;
    if (rows > 0) this.parts.push({ bytes, fragment: encoder.fragment?.() ?? [] });
  }
}

async function* encoded(
  readers: Readers,
  how: Rows & { compressor: Transform | undefined },
  made: Parts,
): AsyncGenerator<Buffer> {
  const { request, columns, statements, whole, begins, signal, compressor } = how;
  const { progress, requireRoom } = how;
  const format = formatOf(request);
  const spare = piecesToSpare();
  // It fails where it is read from; before its turn nobody listens.
  const begun = (copy: CopyOut): void => {
    addAbortSignal(signal, copy).on('error', () => undefined);
  };
  /** With what becomes of a piece that has been written. */
  const encoderOf = (): { encoder: Encoder; giveBack: (piece: Buffer) => void } => {
    if (!format.encodedBeside)
      return {
        encoder: format.encoder(columns, request.compression),
        giveBack: (piece) => spare.give(piece),
      };
    const beside = new EncoderBeside({ request, columns }, { signal, spare });
    return { encoder: beside, giveBack: (piece) => beside.giveBack(piece) };
  };
  // A compressor may still have a smaller piece when the next is asked for; behind one of so many bytes it is
  // not asked for before all of them are taken.
  const leastTaken = compressor?.writableHighWaterMark ?? 0;
  if (begins) yield format.prologue(columns);
  for await (const copy of readers.inOrder(statements, spare, begun)) {
    const { encoder, giveBack } = encoderOf();
    let bytes = 0;
    try {
      for await (const piece of encoder.encode(copy)) {
        if (bytes === 0 && piece.length > 0) {
          const glue = format.glue(made.rows > 0);
          yield glue;
          bytes += glue.length;
        }
        const { length } = piece;
        yield piece;
        if (length >= leastTaken) giveBack(piece);
        bytes += length;
        progress.rows = made.rows + (encoder.rows ?? copy.frames);
        requireRoom();
      }
    } catch (error) {
      throw error instanceof UnfitRow ? refusalOfRow(error, whole ? made.rows : null) : error;
    }
    // The bytes end at CopyDone; that the server has finished well is known only behind it.
    const told = await copy.told;
    const counted = encoder.rows ?? copy.frames;
    if (told !== counted) throw new Error(`the source sent ${told} rows, the file has ${counted}`);
    made.add(counted, bytes, encoder);
    progress.rows = made.rows;
    requireRoom();
  }
  const { parts } = made;
  const written: Written = { columns, compression: request.compression, parts };
  if (whole) yield format.epilogue(written);
}

/** Null: how many rows are before those of its part nobody knows. */
export function refusalOfRow(error: UnfitRow, rowsBefore: number | null): Refusal {
  const { before, behind } = error.said;
  const row = ((rowsBefore ?? 0) + error.row).toLocaleString('en');
  const where = rowsBefore === null ? `${row} of one of its units` : row;
  return new Refusal(error.code, `${before}${where}${behind}`, { cause: error });
}
