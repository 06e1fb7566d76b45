import type { Manifest } from '../contracts/export-document.ts';
import type { ExportRequest } from '../contracts/export-request.ts';
import type { Grant } from '../contracts/grants.ts';
import type { Limits } from '../contracts/limits.ts';
import type { SegmentMetadata } from '../formats/format.ts';
import type { SourceColumn } from '../sources/datasets.ts';
import type { KeyRange } from '../sources/key-ranges.ts';

/** A record of `exports.work`. A redelivery has the same partition and offset. */
export interface Delivery {
  dispatchId: string;
  unitId: string;
  partition: number;
  offset: number;
}

/** What one read unit wrote, and the snapshot it was read under. */
export interface UnitOutput {
  source: string;
  /** The relation that was read; absent in unit outputs that an earlier version stored. */
  dataset?: { schema: string; relation: string };
  /** True if the unit output begins with the header of the file; absent, and false, if an earlier version stored it. */
  begins?: boolean;
  rows: number;
  bytes: number;
  sha256: string;
  rowsWithoutTime: number;
  /** True if row security policies of the source may have hidden rows. */
  rowSecurity?: boolean;
  asOf: string;
  lsn: string;
  /** Of readings: the position in their stream up to which the snapshot has them, signed, for the manifest. */
  cursor?: string;
  columns: Manifest['columns'];
  /** The columns as they are in the source. */
  schema: readonly SourceColumn[];
  /** What the footer of the file needs to know of the unit output. */
  fragment: SegmentMetadata;
}

/** Size, hash and manifest of a file. */
export interface FileResult {
  rows: number;
  bytes: number;
  sha256: string;
  manifest: Manifest;
}

/** A unit output and the key of its object. */
export interface StoredUnitOutput extends UnitOutput {
  objectKey: string;
}

/** How far a finalize unit got before it yielded: copied parts of the file, or verified ranges of it. */
export type Checkpoint =
  | { phase: 'copy'; objectKey: string; uploadId: string; parts: UploadedPart[] }
  | { phase: 'hash'; objectKey: string; etag: string; verifiedRanges: number; state: string };

export interface UploadedPart {
  PartNumber: number;
  ETag: string | undefined;
  ChecksumCRC32: string | undefined;
}

/** Rows and bytes written so far. */
export interface Progress {
  rows: number;
  bytes: number;
}

interface ClaimBase {
  unitId: string;
  exportId: string;
  /** Every effect of the worker is conditional on it. */
  attemptId: string;
  ownerEmail: string;
  /** Size limits of the owner at the time of the claim. */
  limits: Limits;
  /** Progress of the other units of the run at the time of the claim. */
  otherUnits: Progress;
  source: string;
  request: ExportRequest;
  objectKey: string;
  /** Connections that the unit may open to its source. */
  connections: number;
}

/** The right to write the whole file of an undivided export. */
export interface WholeClaim extends ClaimBase {
  kind: 'whole';
  /** Grants of the owner at the time of the claim: the unit reads what they permit. */
  grants: readonly Grant[];
  /** What the last attempt that began to complete its upload recorded. The object may exist. */
  completing: { objectKey: string; outcome: FileResult } | null;
}

/** The right to write one unit output of a divided export. */
export interface ReadClaim extends ClaimBase {
  kind: 'read';
  /** Grants of the owner at the time of the claim: the unit reads what they permit. */
  grants: readonly Grant[];
  ordinal: number;
  range: KeyRange | null;
}

/** The right to assemble a file from its unit outputs. */
export interface FinalizeClaim extends ClaimBase {
  kind: 'finalize';
  unitOutputs: StoredUnitOutput[];
  checkpoint: Checkpoint | null;
  completing: { objectKey: string; outcome: { bytes: number } } | null;
}

export type Claim = WholeClaim | ReadClaim | FinalizeClaim;
