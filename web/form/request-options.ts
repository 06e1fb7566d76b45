import type { ExportRequest } from '../../lib/contracts/export-request.ts';

/** What the request schema alone knows. */
export interface RequestOptions {
  /** Shortest and longest time to live of a file, in seconds. */
  ttlBounds: { min: number; max: number };
  defaults: Pick<ExportRequest, 'format' | 'compression' | 'consistency' | 'ttlSeconds'>;
}

/** Put in by vite.config.ts, which reads it from the request schema. */
declare const REQUEST_OPTIONS: RequestOptions;

export const { ttlBounds, defaults } = REQUEST_OPTIONS;
