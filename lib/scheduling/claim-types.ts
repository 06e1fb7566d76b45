import type { Manifest } from '../contracts/export-document.ts';
import type { ExportRequest } from '../contracts/export-request.ts';
import type { Limits } from '../contracts/limits.ts';
import type { Fragment } from '../formats/format.ts';
import type { SourceColumn } from '../sources/datasets.ts';
import type { KeyRange } from '../sources/key-ranges.ts';

/** Where a delivery of `exports.work` came from: a redelivery has the same partition and offset. */
export interface Delivery {
  dispatchId: string;
  unitId: string;
  partition: number;
  offset: number;
}

/** What one read unit wrote, and the moment of its source that it shows. */
export interface Piece {
  source: string;
  /** The relation it was read from; absent from what an earlier version stored. */
  dataset?: { schema: string; relation: string };
  /** It begins with what stands before the first row; absent from what an earlier version stored: it does not. */
  begins?: boolean;
  rows: number;
  bytes: number;
  sha256: string;
  rowsWithoutTime: number;
  /** Policies of the source may have left out rows. */
  rowSecurity?: boolean;
  asOf: string;
  lsn: string;
  columns: Manifest['columns'];
  /** The same as they are in the source. */
  schema: readonly SourceColumn[];
  /** What the end of the file has to say of it. */
  fragment: Fragment;
}

/** What a file is. */
export interface Outcome {
  rows: number;
  bytes: number;
  sha256: string;
  manifest: Manifest;
}

/** A piece of an export of several units, where it lies. */
export interface StoredPiece extends Piece {
  objectKey: string;
}

/** How far a finalize unit got that yielded: parts of the file, or the read-back of the whole. */
export type Checkpoint =
  | { phase: 'copy'; objectKey: string; uploadId: string; parts: UploadedPart[] }
  | { phase: 'hash'; objectKey: string; etag: string; pieces: number; state: string };

export interface UploadedPart {
  PartNumber: number;
  ETag: string | undefined;
  ChecksumCRC32: string | undefined;
}

/** What has been written. */
export interface Progress {
  rows: number;
  bytes: number;
}

interface Held {
  unitId: string;
  exportId: string;
  /** Every effect is conditional on it. */
  attemptId: string;
  ownerEmail: string;
  /** What an export of its owner may be, as of the claim. */
  limits: Limits;
  /** What the other units of the run have written, as of the claim. */
  elsewhere: Progress;
  source: string;
  request: ExportRequest;
  objectKey: string;
  /** How many it may have to its source. */
  connections: number;
}

/** The right to make a whole file in one go. */
export interface WholeClaim extends Held {
  kind: 'whole';
  /** What the last attempt recorded that got as far as completing its upload: the object may be there. */
  completing: { objectKey: string; outcome: Outcome } | null;
}

/** The right to make one piece of a file. */
export interface PieceClaim extends Held {
  kind: 'piece';
  ordinal: number;
  range: KeyRange | null;
}

/** The right to put a file together out of its pieces. */
export interface FinalizeClaim extends Held {
  kind: 'finalize';
  pieces: StoredPiece[];
  checkpoint: Checkpoint | null;
  completing: { objectKey: string; outcome: { bytes: number } } | null;
}

export type Claim = WholeClaim | PieceClaim | FinalizeClaim;
