import type { Manifest } from '../contracts/export-document.ts';
import type { ExportRequest } from '../contracts/export-request.ts';

/** Where a delivery of `exports.work` came from: a redelivery has the same partition and offset. */
export interface Delivery {
  dispatchId: string;
  unitId: string;
  partition: number;
  offset: number;
}

/** What an attempt did before it vanished: the object may be there, complete. */
export interface Outcome {
  rows: number;
  bytes: number;
  sha256: string;
  manifest: Manifest;
}

/** The right to work on a unit: every effect is conditional on `attemptId`. */
export interface Claim {
  unitId: string;
  exportId: string;
  attemptId: string;
  ownerEmail: string;
  source: string;
  request: ExportRequest;
  createdAt: Date;
  objectKey: string;
  /** The key and outcome of the last attempt that got as far as completing its upload. */
  completing: { objectKey: string; outcome: Outcome } | null;
}
