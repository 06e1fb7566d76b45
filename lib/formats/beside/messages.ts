import type { Code } from '../../contracts/codes.ts';
import type { ExportRequest } from '../../contracts/export-request.ts';
import type { SourceColumn } from '../../sources/datasets.ts';
import type { Fragment } from '../format.ts';

/** What is to be encoded. */
export interface Job {
  request: Pick<ExportRequest, 'format' | 'profile' | 'timeZone' | 'compression'>;
  columns: readonly SourceColumn[];
}

export type ToThread =
  | { kind: 'begin'; job: Job }
  | { kind: 'piece'; bytes: Uint8Array<ArrayBuffer> }
  | { kind: 'end' }
  /** So many bytes of what the thread gave have gone on. */
  | { kind: 'taken'; bytes: number };

export type FromThread =
  /** It has room for another piece. */
  | { kind: 'want'; rows: number }
  | { kind: 'piece'; bytes: Uint8Array<ArrayBuffer> }
  | { kind: 'done'; rows: number; nulled: readonly number[]; fragment: Fragment }
  | { kind: 'unfit'; code: Code; row: number; said: { before: string; behind: string } }
  | { kind: 'failed'; message: string };

/** Pieces that may be on their way to the thread, and bytes on their way back: what it does not wait for. */
export const mostPieces = 4;
export const mostBytes = 16 * 1_024 * 1_024;
