import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { asDemo, call, createExport, ended } from '../support/api.ts';
import { cpuSecondsOfStack } from './machine.ts';
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

export const encryption = {
  recipients: [await identityToRecipient(await generateX25519Identity())],
};

/** What a worker may need memory for, by its name. */
export const everyRequest: readonly { name: string; request: object }[] = [
  ...cases,
  { name: 'json, gzip', request: { format: 'json', compression: 'gzip' } },
  { name: 'xlsx', request: { format: 'xlsx' } },
  { name: 'csv, encrypted', request: { format: 'csv', encryption } },
];

/** Frequent polls would take CPU time from the export. When it became ready is in its document. */
const pollMs = 500;

/**
 * Exports the table through the whole system, then removes the file.
 *
 * @param rows that the file must have, if it is known
 */
export async function measureExport(request: object, rows?: number): Promise<MeasuredExport> {
  const cpuBefore = await cpuSecondsOfStack(/^export-worker/);
  const requestedAt = Date.now();
  const { id } = await createExport({ sources: ['sales'], dataset, ...request });
  const { status, error, file, finishedAt } = await ended(id, 300, pollMs);
  if (!file || finishedAt === null) throw new Error(`${status}: ${error?.message}`);
  const seconds = (Date.parse(finishedAt) - requestedAt) / 1_000;
  if (rows !== undefined && file.rows !== rows)
    throw new Error(`the export has ${file.rows} rows instead of ${rows}`);
  const cpuSeconds = (await cpuSecondsOfStack(/^export-worker/)) - cpuBefore;
  await call('DELETE', `/exports/${id}`, { headers: asDemo });
  return { ...file, seconds, cpuSeconds };
}
