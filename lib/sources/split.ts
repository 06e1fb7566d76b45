import type pg from 'pg';
import type { Queryable } from '../runtime/catalogue.ts';
import { codeOf, refusedFields } from '../runtime/errors.ts';
import type { SourceColumn, SourceDataset } from './datasets.ts';
import {
  evenSplit,
  evenSplitOf,
  type KeyRange,
  leadingKeyColumn,
  type Selection,
  sampleSplit,
} from './query.ts';
import { attempt } from './question.ts';

/** A sample of so many rows knows where a hundredth of the rows ends to within a few percent of it. */
const sampleRows = 30_000;

/**
 * The column by which a selection is divided: the time column if the selection is bounded or ordered by it,
 * else the leading column of the primary key, else the time column; null if there is none. Never the
 * physical place of rows: an updated row moves.
 */
export async function splitKey(
  client: Queryable,
  selection: Selection,
): Promise<SourceColumn | null> {
  const { dataset, from, to, ordered } = selection;
  if (ordered || from !== undefined || to !== undefined) return dataset.timeColumn;
  const { rows } = await client.query<{ name: string }>(leadingKeyColumn(dataset));
  return dataset.columns.find(({ name }) => name === rows[0]?.name) ?? dataset.timeColumn;
}

/** Ranges that are about equal, in the order of the key, and take every row of the selection once. */
export async function splitRanges(
  client: pg.ClientBase,
  selection: Selection,
  column: SourceColumn,
  { units, rows: expected }: { units: number; rows: number },
): Promise<KeyRange[]> {
  const percent = Math.min(100, (100 * sampleRows) / Math.max(1, expected));
  const question = canBeSampled(selection.dataset)
    ? sampleSplit(selection, column, units, percent)
    : evenSplit(selection, column, units);
  const ask = (text: string) => attempt(client, () => client.query<{ bound: string }>(text));
  const { rows } = await ask(question).catch((error: unknown) => {
    if (!tooSlow.test(codeOf(error) ?? '')) throw error;
    return ask(unread(selection, column, units));
  });
  const bounds = [null, ...rows.map(({ bound }) => bound), null];
  return bounds.slice(1).map((to, n) => ({ column, from: bounds[n] ?? null, to }));
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

/** TABLESAMPLE takes what has pages of its own: not views and foreign tables. */
const canBeSampled = ({ kind, lockable }: SourceDataset): boolean =>
  kind === 'materialized_view' || (kind === 'table' && lockable);
