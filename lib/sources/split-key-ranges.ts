import type pg from 'pg';
import type { Queryable } from '../runtime/catalogue.ts';
import { codeOf, refusedFields } from '../runtime/errors.ts';
import type { SourceColumn } from './datasets.ts';
import { leadingKey } from './key-operators.ts';
import { type Key, type KeyRange, keyOfTime } from './key-ranges.ts';
import { sampleSplit, takeEachRowOnce } from './prove-ranges.ts';
import { evenSplit, evenSplitOf, type Selection } from './query.ts';
import { attempt } from './question.ts';

/** A sample of so many rows knows where a hundredth of the rows ends to within a few percent of it. */
const sampleRows = 30_000;

/**
 * The column by which a selection is divided: the time column if the selection is bounded or ordered by it,
 * else the leading column of the primary key, else the time column; null if there is none. Never the
 * physical place of rows: an updated row moves.
 */
export async function splitKey(client: Queryable, selection: Selection): Promise<Key | null> {
  const { dataset, from, to, ordered } = selection;
  const time = dataset.timeColumn && keyOfTime(dataset.timeColumn);
  if (ordered || from !== undefined || to !== undefined) return time;
  return (await leadingKey(client, dataset)) ?? time;
}

/**
 * Ranges that are about equal, in the order of the key, and take every row of the selection once, which is proved.
 * Throws `refused_request` where it cannot be.
 */
export async function splitRanges(
  client: pg.ClientBase,
  selection: Selection,
  key: Key,
  { units, rows: expected }: { units: number; rows: number },
): Promise<KeyRange[]> {
  const { column, operators } = key;
  const percent = Math.min(100, (100 * sampleRows) / Math.max(1, expected));
  const question = selection.dataset.hasPages
    ? sampleSplit(selection, key, units, percent)
    : evenSplit(selection, column, units);
  const ask = (text: string) => attempt(client, () => client.query<{ bound: string }>(text));
  const { rows } = await ask(question).catch((error: unknown) => {
    if (!tooSlow.test(codeOf(error) ?? '')) throw error;
    return ask(unread(selection, column, units));
  });
  const bounds = rows.map(({ bound }) => bound);
  if (!(await takeEachRowOnce(client, selection, key, { bounds, rows: expected })))
    throw refusedFields([
      {
        field: 'consistency',
        message: `cannot be resumable: ${column.name}, by which ${selection.dataset.name} would be divided, does not sort as it compares`,
        allowed: ['snapshot'],
      },
    ]);
  const ends = [null, ...bounds, null];
  return ends.slice(1).map((to, n) => ({ column, operators, from: ends[n] ?? null, to }));
}

/** By its statement timeout, or waiting for a lock. */
const tooSlow = /^(57014|55P03)$/;

/** Of what has no quick answer to where its rows are: the time asked for is divided, if there is one. */
function unread({ dataset, from, to }: Selection, column: SourceColumn, units: number): string {
  if (from !== undefined && to !== undefined && column === dataset.timeColumn)
    return evenSplitOf(column, { from, to }, units);
  const message = `must be given: ${dataset.name} takes too long to say what its first and last rows are`;
  throw refusedFields([
    ...(from === undefined ? [{ field: 'from', message }] : []),
    ...(to === undefined ? [{ field: 'to', message }] : []),
  ]);
}
