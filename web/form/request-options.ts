import type { ExportRequest } from '../../lib/contracts/export-request.ts';

type Format = ExportRequest['format'];

/** Put in by vite.config.ts, which reads it from the request schema. */
declare const REQUEST_OPTIONS: {
  formats: readonly [Format, ...Format[]];
  /** Shortest and longest time to live of a file, in seconds. */
  ttlBounds: { min: number; max: number };
};

export const { formats, ttlBounds } = REQUEST_OPTIONS;
