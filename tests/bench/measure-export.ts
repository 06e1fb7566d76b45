import { asDemo, call, createExport, ended } from '../support/api.ts';
import { cpuSecondsOfStack } from './machine.ts';
import { secondsOf } from './measure.ts';
import { dataset } from './table.ts';

export interface MeasuredExport {
  /** From the request to `ready`. */
  seconds: number;
  /** Of the workers. */
  cpuSeconds: number;
  bytes: number;
  rows: number;
}

/** The formats that are compared with others, and the maximum ratio of their time to that of psql. */
export const cases: { name: string; request: object; limit: number }[] = [
  { name: 'csv', request: { format: 'csv' }, limit: 0.9 },
  { name: 'csv, zstd', request: { format: 'csv', compression: 'zstd' }, limit: 0.85 },
  { name: 'ndjson, zstd', request: { format: 'ndjson', compression: 'zstd' }, limit: 0.85 },
  { name: 'parquet, zstd', request: { format: 'parquet' }, limit: 0.65 },
];

/**
 * Exports the table through the whole system, then removes the file.
 *
 * @param rows that the file must have, if it is known
 */
export async function measureExport(request: object, rows?: number): Promise<MeasuredExport> {
  let id = '';
  let file = { bytes: 0, rows: 0 };
  const cpuBefore = await cpuSecondsOfStack(/^export-worker/);
  const seconds = await secondsOf(async () => {
    ({ id } = await createExport({ sources: ['sales'], dataset, ...request }));
    const document = await ended(id, 300);
    if (!document.file) throw new Error(`${document.status}: ${document.error?.message}`);
    file = document.file;
  });
  if (rows !== undefined && file.rows !== rows)
    throw new Error(`the export has ${file.rows} rows instead of ${rows}`);
  const cpuSeconds = (await cpuSecondsOfStack(/^export-worker/)) - cpuBefore;
  await call('DELETE', `/exports/${id}`, { headers: asDemo });
  return { ...file, seconds, cpuSeconds };
}
