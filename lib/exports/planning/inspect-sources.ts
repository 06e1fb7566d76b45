import type pg from 'pg';
import type { Account } from '../access/accounts.ts';
import type { ExportRequest } from '../contracts/export-request.ts';
import { codeOf, messageOf, refusedFields } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { patternProbe } from '../sources/conditions.ts';
import { placeOf } from '../sources/copy-statements.ts';
import { type Estimate, estimate } from '../sources/estimate.ts';
import { faultOfSource, isOfDataset } from '../sources/faults.ts';
import type { Selection } from '../sources/query.ts';
import { type Asker, askedBy, askSource, attempt } from '../sources/question.ts';
import { type Width, widthOfRow } from '../sources/width.ts';
import { requireAgreement, selectionFor } from './selection.ts';

/** What a request selects of one source as it is now, and what its database expects of that. */
export interface Look {
  source: string;
  selection: Selection;
  /** Null if its planner says nothing, or why not. */
  expected: Estimate | null;
  whyNot?: string | undefined;
  width: Width;
}

/** Every source as it is now, each of them the account's, all with the same dataset. */
export async function lookAt(
  owner: Account,
  request: ExportRequest,
  asker: Asker = askedBy(owner),
): Promise<Look[]> {
  requireGranted(owner, request);
  const looks = await Promise.all(
    request.sources.map((source) =>
      askSource(source, asker, async (client) => {
        const selection = await selectionFor(client, source, request);
        await requireZone(client, source, request);
        const width = await widthOfRow(client, selection);
        return { source, selection, width, ...(await guess(client, source, selection)) };
      }),
    ),
  );
  requireAgreement(looks);
  return looks;
}

/** What all sources are expected to give together; null if of one of them nobody knows. */
export function expectedOf(looks: readonly Look[]): Pick<Estimate, 'rows' | 'seconds'> | null {
  const all = { rows: 0, seconds: 0 };
  for (const { expected } of looks) {
    if (!expected) return null;
    all.rows += expected.rows;
    all.seconds += expected.seconds;
  }
  return all;
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

/** Not every database has all names of IANA: its time zone data may be older, or leave out those of old. */
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
    if (codeOf(error) !== '22023') throw error;
    const message = `is a time zone that the database of ${source} does not know: ${timeZone}`;
    throw refusedFields([{ field: 'timeZone', message }]);
  }
}

/** Without an estimate an export is still an export: its progress is shown without a percentage. */
async function guess(
  client: pg.ClientBase,
  source: string,
  selection: Selection,
): Promise<Pick<Look, 'expected' | 'whyNot'>> {
  try {
    const expected = await attempt(client, async () => {
      const probe = patternProbe(selection.dataset, selection.where);
      if (probe !== null) await client.query(probe);
      return estimate(client, selection);
    });
    return { expected };
  } catch (error) {
    if (!isOfDataset(error)) throw error;
    if (await isOfConditions(client, selection, error))
      throw refusedFields([
        { field: 'where', message: `is not what the database takes: ${messageOf(error)}` },
      ]);
    logger.warn('no estimate', {
      source,
      dataset: selection.dataset.name,
      reason: messageOf(error),
    });
    return { expected: null, whyNot: faultOfSource(error, source)?.message };
  }
}

/** Classes of what may pass: locks, limits, time-outs. */
const mayPass = /^(40|53|55|57|58)/;

/**
 * Whether it is about the conditions: no value of the column's type, no such comparison of it. The database,
 * which knows its types, says it in any words (a name of regclass "does not exist"), but not without them.
 */
async function isOfConditions(
  client: pg.ClientBase,
  selection: Selection,
  error: unknown,
): Promise<boolean> {
  if (selection.where.length === 0 || mayPass.test(codeOf(error) ?? '')) return false;
  try {
    await attempt(client, () => estimate(client, { ...selection, where: [] }));
    return true;
  } catch (other) {
    if (!isOfDataset(other)) throw other;
    return false;
  }
}
