import type { ExportRequest } from '../../lib/contracts/export-request.ts';

/** What the request schema allows, and what it takes for a field that is left out. */
export interface RequestOptions {
  formats: readonly ExportRequest['format'][];
  compressions: readonly ExportRequest['compression'][];
  consistencies: readonly ExportRequest['consistency'][];
  /** Shortest and longest time to live of a file, in seconds. */
  ttlBounds: { min: number; max: number };
  defaults: Pick<ExportRequest, 'format' | 'compression' | 'consistency' | 'ttlSeconds'>;
}

/** Put in by vite.config.ts, which reads it from the request schema. */
declare const REQUEST_OPTIONS: RequestOptions;

export const { formats, compressions, consistencies, ttlBounds, defaults } = REQUEST_OPTIONS;
