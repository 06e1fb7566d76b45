import type pg from 'pg';
import type { Account } from '../../access/accounts.ts';
import type { ExportRequest } from '../../contracts/export-request.ts';
import { errorCode, errorMessage, invalidFields } from '../../runtime/errors.ts';
import { logger } from '../../runtime/logger.ts';
import { patternProbe } from '../../sources/conditions.ts';
import { placeOf } from '../../sources/copy/statements.ts';
import { type Estimate, estimate, estimatePermitted } from '../../sources/estimate.ts';
import type { Selection } from '../../sources/query.ts';
import { type Asker, askedBy, askSource, attempt } from '../../sources/question.ts';
import { estimateRowWidth, type RowWidth } from '../../sources/row-width.ts';
import { classifySourceError, isOfDataset } from '../../sources/source-errors.ts';
import { assertSameColumns, selectionFor } from './selection.ts';

/** The selection of a request in one source with its current schema, and its estimate. */
export interface SourceInspection {
  source: string;
  selection: Selection;
  /** Null if the planner failed; `whyNot` then has the reason. */
  expected: Estimate | null;
  whyNot?: string | undefined;
  width: RowWidth;
}

/**
 * Validates a request against the current schema of each source. Throws `invalid_request` if a source is not granted,
 * fields do not match the schema, or the sources differ in their columns.
 */
export async function inspectSources(
  owner: Account,
  request: ExportRequest,
  asker: Asker = askedBy(owner),
): Promise<SourceInspection[]> {
  requireGranted(owner, request);
  const inspections = await Promise.all(
    request.sources.map((source) =>
      askSource(source, asker, async (client) => {
        const selection = await selectionFor(client, source, request, owner.grants);
        await requireZone(client, source, request);
        const width = await estimateRowWidth(client, selection);
        return { source, selection, width, ...(await estimateOrNull(client, source, selection)) };
      }),
    ),
  );
  assertSameColumns(inspections);
  return inspections;
}

/** Returns the sum of the estimates of all sources; null if one source has none. */
export function totalEstimate(
  inspections: readonly SourceInspection[],
): Pick<Estimate, 'rows' | 'seconds'> | null {
  const total = { rows: 0, seconds: 0 };
  for (const { expected } of inspections) {
    if (!expected) return null;
    total.rows += expected.rows;
    total.seconds += expected.seconds;
  }
  return total;
}

/** Throws `invalid_request` for sources that are not granted, as for sources that do not exist. */
function requireGranted(owner: Account, { sources }: ExportRequest): void {
  const notGranted = sources.filter((source) => !owner.sources.includes(source));
  if (notGranted.length === 0) return;
  throw invalidFields([
    {
      field: 'sources',
      message: `names no source of yours: ${notGranted.join(', ')}`,
      allowed: owner.sources,
    },
  ]);
}

/** Throws `invalid_request` if a database does not know a time zone: its data may be older, or omit old IANA names. */
async function requireZone(
  client: pg.ClientBase,
  source: string,
  { profile, timeZone }: ExportRequest,
): Promise<void> {
  if (profile !== 'spreadsheet' || timeZone === 'UTC') return;
  const probe = 'select pg_catalog.timezone($1::pg_catalog.text, pg_catalog.now())';
  try {
    await attempt(client, () => client.query(probe, [placeOf(timeZone)]));
  } catch (error) {
    if (errorCode(error) !== '22023') throw error;
    const message = `is a time zone that the database of ${source} does not know: ${timeZone}`;
    throw invalidFields([{ field: 'timeZone', message }]);
  }
}

/** Returns the planner's estimate. Without one an export runs all the same, and its progress has no percentage. */
async function estimateOrNull(
  client: pg.ClientBase,
  source: string,
  selection: Selection,
): Promise<Pick<SourceInspection, 'expected' | 'whyNot'>> {
  try {
    const expected = await attempt(client, async () => {
      const probe = patternProbe(selection.dataset, selection.where);
      if (probe !== null) await client.query(probe);
      return typeof selection.dataset.permission?.rows === 'string'
        ? estimatePermitted(client, selection)
        : estimate(client, selection);
    });
    return { expected };
  } catch (error) {
    if (!isOfDataset(error)) throw error;
    if (await isOfConditions(client, selection, error))
      throw invalidFields([
        { field: 'where', message: `is rejected by the database: ${errorMessage(error)}` },
      ]);
    logger.warn('planner returned no estimate', {
      source,
      dataset: selection.dataset.name,
      reason: errorMessage(error),
    });
    return { expected: null, whyNot: classifySourceError(error, source)?.message };
  }
}

/** SQLSTATE classes of errors that may pass: locks, limits, timeouts. */
const transientClasses = /^(40|53|55|57|58)/;

/**
 * Returns whether the conditions cause the error, as a value that the column's type does not accept or a missing
 * operator. Error texts vary by type (a name of regclass "does not exist"), so this checks that the planner succeeds
 * without the conditions.
 */
async function isOfConditions(
  client: pg.ClientBase,
  selection: Selection,
  error: unknown,
): Promise<boolean> {
  if (selection.where.length === 0 || transientClasses.test(errorCode(error) ?? '')) return false;
  try {
    await attempt(client, () => estimate(client, { ...selection, where: [] }));
    return true;
  } catch (errorWithout) {
    if (!isOfDataset(errorWithout)) throw errorWithout;
    return false;
  }
}
