import type pg from 'pg';
import type { Queryable } from '../runtime/catalogue.ts';
import { errorCode, invalidFields } from '../runtime/errors.ts';
import type { SourceColumn } from './datasets.ts';
import { leadingKey } from './key-operators.ts';
import { type Key, type KeyRange, keyOfTime } from './key-ranges.ts';
import { evenSplit, evenSplitOf, type Selection } from './query.ts';
import { attempt } from './question.ts';
import { coverEachRowOnce, sampleSplit } from './verify-ranges.ts';

/** A sample of this many rows locates the bounds of 1 % of the rows to within a few percent of it. */
const sampleRows = 30_000;

/**
 * Returns the key that divides a selection: the time column if the selection is bounded or ordered by it, else the
 * leading column of the primary key, else the time column, else null. Never the physical position of rows, because an
 * updated row moves.
 */
export async function splitKey(client: Queryable, selection: Selection): Promise<Key | null> {
  const { dataset, from, to, ordered } = selection;
  const timeKey = dataset.timeColumn && keyOfTime(dataset.timeColumn);
  if (ordered || from !== undefined || to !== undefined) return timeKey;
  return (await leadingKey(client, dataset)) ?? timeKey;
}

/**
 * Returns ranges of about equal size, in the order of the key, that include every row of the selection exactly once.
 * Throws `invalid_request` if the check of this fails, or if finding the bounds takes too long without a requested time.
 */
export async function splitRanges(
  client: pg.ClientBase,
  selection: Selection,
  key: Key,
  { units, rows: expectedRows }: { units: number; rows: number },
): Promise<KeyRange[]> {
  const { column, operators } = key;
  const percent = Math.min(100, (100 * sampleRows) / Math.max(1, expectedRows));
  const boundsSql = selection.dataset.hasPages
    ? sampleSplit(selection, key, units, percent)
    : evenSplit(selection, column, units);
  const ask = (text: string) => attempt(client, () => client.query<{ bound: string }>(text));
  const { rows } = await ask(boundsSql).catch((error: unknown) => {
    if (!timeoutCodes.test(errorCode(error) ?? '')) throw error;
    return ask(splitUnread(selection, column, units));
  });
  const bounds = rows.map(({ bound }) => bound);
  if (!(await coverEachRowOnce(client, selection, key, { bounds, rows: expectedRows })))
    throw invalidFields([
      {
        field: 'consistency',
        message: `cannot be resumable: ${column.name}, by which ${selection.dataset.name} would be divided, does not sort as it compares`,
        allowed: ['snapshot'],
      },
    ]);
  const ends = [null, ...bounds, null];
  return ends.slice(1).map((to, n) => ({ column, operators, from: ends[n] ?? null, to }));
}

/** Of the statement timeout and the lock timeout. */
const timeoutCodes = /^(57014|55P03)$/;

/** Divides the requested time, because finding the bounds of the rows took too long. Throws `invalid_request` without it. */
function splitUnread(
  { dataset, from, to }: Selection,
  column: SourceColumn,
  units: number,
): string {
  if (from !== undefined && to !== undefined && column === dataset.timeColumn)
    return evenSplitOf(column, { from, to }, units);
  const message = `must be given: finding the first and last rows of ${dataset.name} takes too long`;
  throw invalidFields([
    ...(from === undefined ? [{ field: 'from', message }] : []),
    ...(to === undefined ? [{ field: 'to', message }] : []),
  ]);
}
