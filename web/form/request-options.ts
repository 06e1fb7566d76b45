import type { ExportRequest } from '../../lib/contracts/export-request.ts';

/** Limits and defaults of the request schema. */
export interface RequestOptions {
  /** The shortest and the longest time to live of a file, in seconds. */
  ttlBounds: { min: number; max: number };
  defaults: Pick<ExportRequest, 'format' | 'compression' | 'consistency' | 'ttlSeconds'>;
}

/** Defined by vite.config.ts, which reads it from the request schema. */
// biome-ignore lint/style/useNamingConvention: capitals mark what the build replaces.
declare const REQUEST_OPTIONS: RequestOptions;

export const { ttlBounds, defaults } = REQUEST_OPTIONS;
