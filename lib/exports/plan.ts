import { randomUUIDv7 } from 'node:crypto';
import type { Account } from '../access/accounts.ts';
import type { ExportRequest } from '../contracts/export-request.ts';
import { formatOf } from '../formats/index.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { codeOf, messageOf, Refusal, refusedFields } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { metadataPool } from '../sources/connection.ts';
import { type Estimate, estimate } from '../sources/estimate.ts';
import type { KeyRange, Selection } from '../sources/query.ts';
import { splitKey, splitRanges } from '../sources/split.ts';
import { type Width, widthOfRow } from '../sources/width.ts';
import { requireAgreement, selectionFor } from './selection.ts';

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
 * each source is a unit at least. Throws refusals: of fields, of what is too much for one snapshot, of
 * a source that does not answer.
 */
export async function planExport(owner: Account, request: ExportRequest): Promise<Plan> {
  const looks = await lookAt(owner, request);
  const units: Plan['units'] = [];
  for (const { source, selection, expected } of looks) {
    const ranges = await answering(source, () => rangesOf(source, selection, request, expected));
    const connections = readersOf(source, request, expected);
    units.push(...ranges.map((range) => ({ source, range, connections })));
  }
  const expected = looks.flatMap((it) => it.expected ?? []);
  const known = expected.length === looks.length;
  return {
    estimatedRows: known ? expected.reduce((sum, { rows }) => sum + rows, 0) : null,
    estimatedSeconds: known
      ? Math.ceil(expected.reduce((sum, { seconds }) => sum + seconds, 0))
      : null,
    units,
  };
}

interface Look {
  source: string;
  selection: Selection;
  expected: Estimate | null;
}

/** Every source as it is now, each of them the account's, all with the same dataset. */
async function lookAt(owner: Account, request: ExportRequest): Promise<Look[]> {
  requireGranted(owner, request);
  const looks = await Promise.all(
    request.sources.map((source) =>
      answering(source, async () => {
        const selection = await selectionFor(metadataPool(source), source, request);
        return { source, selection, expected: await guess(source, selection) };
      }),
    ),
  );
  requireAgreement(looks);
  return looks;
}

/** The same without a plan: what each source is expected to give, and how wide its rows are. */
export async function lookAll(
  owner: Account,
  request: ExportRequest,
): Promise<{ source: string; selection: Selection; expected: Estimate; width: Width }[]> {
  return Promise.all(
    (await lookAt(owner, request)).map(({ source, selection, expected }) =>
      answering(source, async () => {
        if (!expected) throw new Error('the planner gave no estimate');
        const width = await widthOfRow(metadataPool(source), selection);
        return { source, selection, expected, width };
      }),
    ),
  );
}

async function answering<T>(source: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    logger.warn('source does not answer', {
      source,
      code: codeOf(cause),
      reason: messageOf(cause),
    });
    throw new Refusal(
      'source_unavailable',
      `The source ${source} does not answer. Nothing was made; try again in a few seconds.`,
      { cause },
    );
  }
}

/** A source that is not granted is unknown to the account. */
function requireGranted(owner: Account, { sources }: ExportRequest): void {
  const others = sources.filter((source) => !owner.sources.includes(source));
  if (others.length === 0) return;
  throw refusedFields([
    {
      field: 'sources',
      message: `names no source of yours: ${others.join(', ')}`,
      allowed: owner.sources,
    },
  ]);
}

/** Without an estimate an export is still an export: its progress is shown without a percentage. */
async function guess(source: string, selection: Selection): Promise<Estimate | null> {
  try {
    return await estimate(metadataPool(source), selection);
  } catch (error) {
    // No value of the column's type, or no such comparison of it: said by the database, which knows its types.
    if (selection.where.length > 0 && /^(22|42883|42804)/.test(codeOf(error) ?? ''))
      throw refusedFields([
        { field: 'where', message: `is not what the database takes: ${messageOf(error)}` },
      ]);
    logger.warn('no estimate', {
      source,
      dataset: selection.dataset.name,
      reason: messageOf(error),
    });
    return null;
  }
}

async function rangesOf(
  source: string,
  selection: Selection,
  { consistency, format }: ExportRequest,
  expected: Estimate | null,
): Promise<(KeyRange | null)[]> {
  if (consistency === 'snapshot') {
    requireShort(source, format, expected);
    return [null];
  }
  const key = await splitKey(metadataPool(source), selection);
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
  return splitRanges(metadataPool(source), selection, key, { units, rows: expected.rows });
}

/** Readers side by side pay where there is a second of work or more, and nobody waits for the rows in an order. */
function readersOf(source: string, request: ExportRequest, expected: Estimate | null): number {
  const { readers = 1, maxConnections = 1 } = config().sources.get(source) ?? {};
  const pays =
    request.consistency === 'snapshot' &&
    request.sources.length === 1 &&
    formatOf(request).pagesOfPart !== null &&
    expected?.readsAllPages === true &&
    expected.seconds >= 1;
  return pays ? Math.min(readers, maxConnections) : 1;
}

function requireShort(
  source: string,
  format: ExportRequest['format'],
  expected: Estimate | null,
): void {
  const most = config().sources.get(source)?.maxReadSeconds ?? 0;
  if (!expected || expected.seconds <= most) return;
  const minutes = (seconds: number): string => `${Math.max(1, Math.round(seconds / 60))} minutes`;
  const [how, error] =
    format === 'xlsx'
      ? ['csv as resumable', { field: 'format', message: `cannot be ${format} for so many rows` }]
      : [
          'it as resumable',
          {
            field: 'consistency',
            message: 'must be resumable for so many rows',
            allowed: ['resumable'],
          },
        ];
  throw new Refusal(
    'too_large_for_snapshot',
    `It would take about ${minutes(expected.seconds)}; one snapshot of ${source} is read within ${minutes(most)}. Ask for ${how}, which has no limit, or for a shorter range.`,
    { errors: [error] },
  );
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
