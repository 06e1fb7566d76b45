/** What the export request allows, taken from its schema by vite.config.ts. */
declare module 'virtual:request-options' {
  type Format = import('../lib/contracts/export-request.ts').ExportRequest['format'];
  export const formats: readonly [Format, ...Format[]];
  /** Shortest and longest time to live of a file, in seconds. */
  export const ttlBounds: { min: number; max: number };
}
