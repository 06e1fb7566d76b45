import { randomUUIDv7 } from 'node:crypto';
import type { Account } from '../../access/accounts.ts';
import type { ExportEstimate } from '../../contracts/export-document.ts';
import type { ExportRequest } from '../../contracts/export-request.ts';
import { formatOf } from '../../formats/index.ts';
import { pagesPerRangeOf } from '../../formats/kernel-of.ts';
import type { Queryable } from '../../runtime/catalogue.ts';
import { config } from '../../runtime/config.ts';
import { invalidFields } from '../../runtime/errors.ts';
import type { KeyRange } from '../../sources/key-ranges.ts';
import { type Asker, askedBy, askSource } from '../../sources/question.ts';
import { splitKey, splitRanges } from '../../sources/split-key-ranges.ts';
import { estimateFile } from './estimate.ts';
import { inspectSources, type SourceInspection, totalEstimate } from './inspect-sources.ts';
import { checkSize } from './size-limits.ts';

/** Target reading time of a unit of a resumable export, and so what a lost worker costs. */
const unitSeconds = 60;
/** S3 copies 1,000 unit outputs in one to two minutes; more units would not help to resume. */
const maxUnits = 1_000;

/** The units of an export and its estimate. */
export interface Plan {
  estimatedRows: number | null;
  estimatedSeconds: number | null;
  /** Null if there is no estimate, or no limit or quota needs it. */
  estimatedBytes: number | null;
  /** The read units in the order of the file; a null range means all rows of the source. */
  units: { source: string; range: KeyRange | null; connections: number }[];
}

/**
 * Validates a request against the current schema of its sources, estimates its size and divides it into units, at least
 * one for each source. Throws `invalid_request`, `over_limit`, `too_large_for_snapshot` or an error of a source.
 */
export async function planExport(
  owner: Account,
  request: ExportRequest,
  quota: { ofBytes: boolean },
): Promise<Plan> {
  const asker = askedBy(owner);
  const inspections = await inspectSources(owner, request, asker);
  const expected = totalEstimate(inspections);
  const fileEstimate =
    expected && (owner.limits.maxBytes !== null || quota.ofBytes)
      ? await estimateFile(request, inspections)
      : null;
  const sizeError = checkSize(owner.limits, request, inspections, {
    rows: expected?.rows ?? null,
    bytes: fileEstimate?.bytes ?? null,
  });
  if (sizeError) throw sizeError;
  const units: Plan['units'] = [];
  for (const inspection of inspections) {
    const ranges = await rangesOf(inspection, request, asker);
    const connections = readersOf(inspection, request);
    units.push(...ranges.map((range) => ({ source: inspection.source, range, connections })));
  }
  return {
    estimatedRows: expected?.rows ?? null,
    estimatedSeconds: expected && Math.ceil(expected.seconds),
    estimatedBytes: fileEstimate && Math.ceil(fileEstimate.bytes),
    units,
  };
}

/**
 * Returns the estimate of an export without creating it. Throws the errors that creating it would, except for its size:
 * that one is returned as `refusal`.
 */
export async function estimateExport(
  owner: Account,
  request: ExportRequest,
): Promise<ExportEstimate> {
  const inspections = await inspectSources(owner, request);
  const expected = await estimateFile(request, inspections);
  const sizeError = checkSize(owner.limits, request, inspections, expected);
  const { maxRows, maxBytes } = owner.limits;
  return {
    ...expected,
    limits: { maxRows, maxBytes },
    refusal: sizeError && { code: sizeError.code, message: sizeError.message },
  };
}

/** Returns the number of parallel readers: several if reading takes at least a second and the rows need no order. */
function readersOf(
  { source, selection, expected }: SourceInspection,
  request: ExportRequest,
): number {
  const { maxReadersPerExport = 1, maxConnections = 1 } = config().sources.get(source) ?? {};
  const format = formatOf(request);
  const isWorthwhile =
    request.consistency === 'snapshot' &&
    request.sources.length === 1 &&
    pagesPerRangeOf(format, selection.columns, request.compression) !== null &&
    expected?.readsAllPages === true &&
    expected.seconds >= 1;
  const { maxReaders = maxConnections } = format;
  return isWorthwhile ? Math.min(maxReadersPerExport, maxConnections, maxReaders) : 1;
}

async function rangesOf(
  { source, selection, expected }: SourceInspection,
  { consistency }: ExportRequest,
  asker: Asker,
): Promise<(KeyRange | null)[]> {
  if (consistency === 'snapshot') return [null];
  return askSource(source, asker, async (client) => {
    const key = await splitKey(client, selection);
    if (!key)
      throw invalidFields([
        {
          field: 'consistency',
          message: `cannot be resumable: ${selection.dataset.name} has neither a primary key nor a time column to divide it by`,
          allowed: ['snapshot'],
        },
      ]);
    const units = Math.min(maxUnits, Math.ceil((expected?.seconds ?? 0) / unitSeconds));
    if (units <= 1 || !expected) return [null];
    return splitRanges(client, selection, key, { units, rows: expected.rows });
  });
}

/** Inserts the read units of a run. */
export async function insertUnits(
  client: Queryable,
  exportId: string,
  run: number,
  { units }: Plan,
): Promise<void> {
  for (const [ordinal, { source, range, connections }] of units.entries())
    await client.query(
      `insert into units (id, export_id, run, kind, ordinal, source, range, planned_connections)
       values ($1, $2, $3, 'read', $4, $5, $6, $7)`,
      [randomUUIDv7(), exportId, run, ordinal, source, range, connections],
    );
}
