import { createHash } from 'node:crypto';
import { addAbortSignal, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ExportRequest } from '../../contracts/export-request.ts';
import { encryptFor } from '../../encryption/encrypt.ts';
import { compressionOf, freeUsedOutput } from '../../formats/compression.ts';
import type { Encoder, FileSummary, SegmentMetadata } from '../../formats/format.ts';
import { formatOf } from '../../formats/index.ts';
import { kernelOf } from '../../formats/kernel-of.ts';
import { UnencodableRowError } from '../../formats/unencodable-row.ts';
import { WorkerEncoder } from '../../formats/worker/worker-encoder.ts';
import { AppError } from '../../runtime/errors.ts';
import { collectGarbageIfNeeded } from '../../runtime/gc-pressure.ts';
import type { Progress } from '../../scheduling/claim-types.ts';
import { type CopyToStream, createChunkPool } from '../../sources/copy/copy-stream.ts';
import { hashFields } from '../../sources/copy/hash-fields.ts';
import type { SourceColumn } from '../../sources/datasets.ts';
import type { ParallelReaders } from './parallel-readers.ts';

/** The destination of the file's bytes. `write` copies the chunk, and resolves when there is room for more. */
export interface ByteSink {
  write(chunk: Buffer): Promise<void>;
  /** The last chunk was written. */
  end(): void;
}

interface EncodeContext {
  request: ExportRequest;
  columns: readonly SourceColumn[];
  /** One COPY statement for each page range, in the order of the file. */
  statements: readonly string[];
  /** True if the statements read the whole file: then its footer is written. */
  whole: boolean;
  /** True if the header of the file is written. */
  begins: boolean;
  sink: ByteSink;
  /** Updated with each chunk; heartbeats report it. */
  progress: Progress;
  /** Throws `over_limit` if `progress` exceeds the limits of the account. */
  checkLimits: () => void;
  signal: AbortSignal;
}

/** Of all exports of this worker, one after the other: new chunks for each would be garbage after it. */
const pool = createChunkPool();

interface EncodedRows {
  rows: number;
  bytes: number;
  sha256: string;
  nulled: number[];
  /** What the footer of the file needs to know of a unit output. */
  fragment: SegmentMetadata;
}

/**
 * COPY → encode → compress → encrypt → hash → sink, in constant memory. Page ranges are read in parallel and written in
 * order. The sink gets no plain bytes of an encrypted file. Throws if the server reports another row count for a range
 * than was counted in the encoded bytes.
 */
export async function encodeAndUpload(
  readers: ParallelReaders,
  context: EncodeContext,
): Promise<EncodedRows> {
  const { request, progress, checkLimits, sink } = context;
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const hash = createHash('sha256');
  const result = new EncodedSegments(context.columns.length);
  const { encryption } = request;
  // Several unit outputs, each of them an age file, cannot be assembled into one.
  if (encryption && !context.whole) throw new Error('an encrypted file has one unit');
  async function write(chunks: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of encryption ? encryptFor(encryption.recipients, chunks) : chunks) {
      hash.update(chunk);
      progress.bytes += chunk.length;
      checkLimits();
      await sink.write(chunk);
      collectGarbageIfNeeded();
    }
  }
  try {
    const compressor = compressionOf(request).createStream?.();
    const file = encodeSegments(readers, { ...context, signal, compressor }, result);
    if (compressor) await pipeline(file, compressor, freeUsedOutput, write, { signal });
    else await write(file);
    sink.end();
  } finally {
    // Cancels the read-ahead COPYs if encoding failed.
    stop.abort();
  }
  const { rows, nulled, segments } = result;
  const sha256 = hash.digest('hex');
  return { rows, bytes: progress.bytes, sha256, nulled, fragment: segments[0]?.fragment ?? [] };
}

/** Totals of the segments that are encoded so far. */
class EncodedSegments {
  rows = 0;
  readonly nulled: number[];
  readonly segments: { bytes: number; fragment: SegmentMetadata }[] = [];

  constructor(columns: number) {
    this.nulled = Array.from({ length: columns }, () => 0);
  }

  add(rows: number, bytes: number, encoder: Encoder): void {
    this.rows += rows;
    for (const [n, more] of (encoder.nulled?.() ?? []).entries())
      this.nulled[n] = (this.nulled[n] ?? 0) + more;
    if (rows > 0) this.segments.push({ bytes, fragment: encoder.metadata?.() ?? [] });
  }
}

async function* encodeSegments(
  readers: ParallelReaders,
  context: EncodeContext & { compressor: Transform | undefined },
  result: EncodedSegments,
): AsyncGenerator<Buffer> {
  const { request, columns, statements, whole, begins, signal, compressor } = context;
  const { progress, checkLimits } = context;
  const format = formatOf(request);
  // A read-ahead COPY may fail before its turn. The error is rethrown when it is consumed, so it is ignored here.
  const abortOnSignal = (copy: CopyToStream): void => {
    addAbortSignal(signal, copy).on('error', () => undefined);
  };
  const kernel = kernelOf(format, columns, request.compression);
  /** Returns the encoder of a COPY, and the function that releases its chunks after they are written. */
  const createEncoder = (
    copy: CopyToStream,
  ): { encoder: Encoder; release: (chunk: Buffer) => void } => {
    const release = (chunk: Buffer): void => pool.release(chunk);
    if (kernel) return { encoder: encodedByKernel(copy), release };
    if (!format.encodesInWorker)
      return { encoder: format.encoder(columns, request.compression), release };
    const worker = new WorkerEncoder({ request, columns }, { signal, pool });
    return { encoder: worker, release: (chunk) => worker.release(chunk) };
  };
  // The compressor may still hold a chunk smaller than its high-water mark when it asks for the next, so only larger
  // chunks may be released here.
  const minReleasableBytes = compressor?.writableHighWaterMark ?? 0;
  if (begins) yield format.header(columns);
  for await (const copy of readers.streamInOrder(statements, {
    pool,
    kernel,
    onStart: abortOnSignal,
  })) {
    const { encoder, release } = createEncoder(copy);
    let bytes = 0;
    try {
      const hashed = hashFields(copy, columns, {
        encoding: format.copyEncoding,
        release: (chunk) => pool.release(chunk),
      });
      for await (const chunk of encoder.encode(hashed)) {
        if (bytes === 0 && chunk.length > 0) {
          const separator = format.separator(result.rows > 0);
          yield separator;
          bytes += separator.length;
        }
        const { length } = chunk;
        yield chunk;
        if (length >= minReleasableBytes) release(chunk);
        bytes += length;
        progress.rows = result.rows + (encoder.rows ?? copy.rowCount);
        checkLimits();
      }
    } catch (error) {
      throw error instanceof UnencodableRowError
        ? rowErrorToAppError(error, whole ? result.rows : null)
        : error;
    }
    // The bytes end at CopyDone. Only the CommandComplete after it says that the server succeeded, and its row count.
    const serverRowCount = await copy.serverRowCount;
    const encodedRowCount = encoder.rows ?? copy.rowCount;
    if (serverRowCount !== encodedRowCount)
      throw new Error(`the source sent ${serverRowCount} rows, the file has ${encodedRowCount}`);
    result.add(encodedRowCount, bytes, encoder);
    progress.rows = result.rows;
    checkLimits();
  }
  const { segments } = result;
  const summary: FileSummary = { columns, compression: request.compression, segments };
  if (whole) yield format.footer(summary);
}

/** Returns the encoder of rows that the kernel of their stream has encoded. */
const encodedByKernel = (copy: CopyToStream): Encoder => ({
  encode: (source) => source,
  nulled: () => copy.kernel?.nulled?.() ?? [],
  metadata: () => copy.kernel?.metadata?.() ?? [],
});

/** Returns the error with the number of its row in the file, or in its unit if `rowsBefore` is null (not known). */
export function rowErrorToAppError(
  error: UnencodableRowError,
  rowsBefore: number | null,
): AppError {
  const { prefix, suffix } = error.text;
  const row = ((rowsBefore ?? 0) + error.row).toLocaleString('en');
  const where = rowsBefore === null ? `${row} of one of its units` : row;
  return new AppError(error.code, `${prefix}${where}${suffix}`, { cause: error });
}
