import type { Code } from '../../contracts/codes.ts';
import type { ExportRequest } from '../../contracts/export-request.ts';
import { memoryBudget, memoryLimits } from '../../runtime/memory-budget.ts';
import type { SourceColumn } from '../../sources/datasets.ts';
import type { SegmentMetadata } from '../format.ts';
import type { FormatRequest } from '../index.ts';

/** The encoding of one segment. */
export interface Job {
  request: FormatRequest & Pick<ExportRequest, 'compression'>;
  columns: readonly SourceColumn[];
}

export type WorkerRequest =
  | { kind: 'start'; number: number; job: Job }
  | { kind: 'chunk'; bytes: Uint8Array<ArrayBuffer> }
  | { kind: 'end' }
  /** Returns the buffer of a chunk that the worker sent for job `number`, for its next chunks. */
  | { kind: 'release'; number: number; bytes: Uint8Array<ArrayBuffer> };

export type WorkerResponse =
  /** Requests another chunk, and returns the buffer of one that is encoded. */
  | { kind: 'pull'; rows: number; released: Uint8Array<ArrayBuffer> }
  /** Encoded bytes: the first `length` bytes of the buffer. */
  | { kind: 'chunk'; bytes: Uint8Array<ArrayBuffer>; length: number }
  | { kind: 'done'; rows: number; nulled: readonly number[]; metadata: SegmentMetadata }
  | { kind: 'unencodable'; code: Code; row: number; text: { prefix: string; suffix: string } }
  | { kind: 'failed'; message: string };

/** Chunks that may be sent to the worker before it requests more. */
export const maxUnacknowledgedInput = memoryLimits.workerInput;
/** Buffers of encoded bytes that may be outside of the worker. */
export const maxUnreleasedOutput = memoryBudget.workerOutput.count;
/** The size of each of them. */
export const outputChunkBytes = memoryBudget.workerOutput.bytes;
