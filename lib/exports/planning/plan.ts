import { randomUUIDv7 } from 'node:crypto';
import type { Account } from '../access/accounts.ts';
import type { ExportEstimate } from '../contracts/export-document.ts';
import type { ExportRequest } from '../contracts/export-request.ts';
import { formatOf } from '../formats/index.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { refusedFields } from '../runtime/errors.ts';
import type { KeyRange } from '../sources/key-ranges.ts';
import { type Asker, askedBy, askSource } from '../sources/question.ts';
import { splitKey, splitRanges } from '../sources/split.ts';
import { estimateOf } from './estimate.ts';
import { expectedOf, type Look, lookAt } from './look.ts';
import { refusalOfSize } from './size.ts';

/** A unit of a resumable export reads for about this long, so that a lost worker costs no more. */
const unitSeconds = 60;
/** S3 copies a thousand pieces in a minute or two; more would not be resumed any better. */
const mostUnits = 1_000;

/** How an export is to be made. */
export interface Plan {
  estimatedRows: number | null;
  estimatedSeconds: number | null;
  /** Those that read, in the order of the file; without a range all rows of the source. */
  units: { source: string; range: KeyRange | null; connections: number }[];
}

/**
 * Holds a request against its sources as they are now, asks how much it will be, and divides the work:
 * each source is a unit at least. Throws refusals: of fields, of what is too much for its account or for
 * one snapshot, of a source that does not answer.
 */
export async function planExport(owner: Account, request: ExportRequest): Promise<Plan> {
  const asker = askedBy(owner);
  const looks = await lookAt(owner, request, asker);
  const expected = expectedOf(looks);
  const sized =
    expected && owner.limits.maxBytes !== null ? await estimateOf(request, looks) : null;
  const refusal = refusalOfSize(owner.limits, request, looks, {
    rows: expected?.rows ?? null,
    bytes: sized?.bytes ?? null,
  });
  if (refusal) throw refusal;
  const units: Plan['units'] = [];
  for (const look of looks) {
    const ranges = await rangesOf(look, request, asker);
    const connections = readersOf(look, request);
    units.push(...ranges.map((range) => ({ source: look.source, range, connections })));
  }
  return {
    estimatedRows: expected?.rows ?? null,
    estimatedSeconds: expected && Math.ceil(expected.seconds),
    units,
  };
}

/**
 * What an export would be, before any work. Throws the refusals that asking for it would; that of its
 * size is told beside it.
 */
export async function estimateExport(
  owner: Account,
  request: ExportRequest,
): Promise<ExportEstimate> {
  const looks = await lookAt(owner, request);
  const expected = await estimateOf(request, looks);
  const refusal = refusalOfSize(owner.limits, request, looks, expected);
  return {
    ...expected,
    limits: owner.limits,
    refusal: refusal && { code: refusal.code, message: refusal.message },
  };
}

/** Readers side by side pay where there is a second of work or more, and nobody waits for the rows in an order. */
function readersOf({ source, expected }: Look, request: ExportRequest): number {
  const { readers = 1, maxConnections = 1 } = config().sources.get(source) ?? {};
  const pays =
    request.consistency === 'snapshot' &&
    request.sources.length === 1 &&
    formatOf(request).pagesOfPart !== null &&
    expected?.readsAllPages === true &&
    expected.seconds >= 1;
  return pays ? Math.min(readers, maxConnections) : 1;
}

async function rangesOf(
  { source, selection, expected }: Look,
  { consistency }: ExportRequest,
  asker: Asker,
): Promise<(KeyRange | null)[]> {
  if (consistency === 'snapshot') return [null];
  return askSource(source, asker, async (client) => {
    const key = await splitKey(client, selection);
    if (!key)
      throw refusedFields([
        {
          field: 'consistency',
          message: `cannot be resumable: ${selection.dataset.name} has neither a primary key nor a time column to divide it by`,
          allowed: ['snapshot'],
        },
      ]);
    const units = Math.min(mostUnits, Math.ceil((expected?.seconds ?? 0) / unitSeconds));
    if (units <= 1 || !expected) return [null];
    return splitRanges(client, selection, key, { units, rows: expected.rows });
  });
}

/** Writes the read units of a run. */
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
