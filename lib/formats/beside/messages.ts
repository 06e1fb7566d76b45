import type { Code } from '../../contracts/codes.ts';
import type { ExportRequest } from '../../contracts/export-request.ts';
import type { SourceColumn } from '../../sources/datasets.ts';
import type { Fragment } from '../format.ts';
import type { Wanted } from '../index.ts';

/** What is to be encoded. */
export interface Job {
  request: Wanted & Pick<ExportRequest, 'compression'>;
  columns: readonly SourceColumn[];
}

export type ToThread =
  | { kind: 'begin'; number: number; job: Job }
  | { kind: 'piece'; bytes: Uint8Array<ArrayBuffer> }
  | { kind: 'end' }
  /** A buffer that the thread gave for the job of that number, to be used again. */
  | { kind: 'taken'; number: number; bytes: Uint8Array<ArrayBuffer> };

export type FromThread =
  /** It has room for another piece; one that it has taken is given back. */
  | { kind: 'want'; rows: number; taken: Uint8Array<ArrayBuffer> }
  /** As much of the buffer as is `length`. */
  | { kind: 'piece'; bytes: Uint8Array<ArrayBuffer>; length: number }
  | { kind: 'done'; rows: number; nulled: readonly number[]; fragment: Fragment }
  | { kind: 'unfit'; code: Code; row: number; said: { before: string; behind: string } }
  | { kind: 'failed'; message: string };

/** Pieces that may be on their way to the thread without it saying that it wants them. */
export const mostPieces = 4;
/** Buffers that may be on their way back from it, and how large they are. */
export const mostUntaken = 32;
export const untakenBytes = 512 * 1_024;
