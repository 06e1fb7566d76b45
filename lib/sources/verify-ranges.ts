import type pg from 'pg';
import { codeOf } from '../runtime/errors.ts';
import { type Key, keyLiteral, keyOf } from './key-ranges.ts';
import { conditions, type Selection } from './query.ts';
import { attempt } from './question.ts';
import { rowsOf } from './sql-text.ts';

/** Comparing takes most of it; each row is held against all ranges. */
const mostComparisons = 500_000;
const fewestRows = 1_000;

/** The bounds with their places from 1, in the type, and the collation, of the key. */
const placed = ({ dataset }: Selection, { column }: Key, bounds: readonly string[]): string =>
  `(select 0 as n, ${keyOf(column)} as bound from ${rowsOf(dataset)} limit 0)
   union all values ${bounds.map((bound, n) => `(${n + 1}, ${keyLiteral(column, bound)})`).join(', ')}`;

/**
 * Whether ranges with these bounds take every row once: asked of the server, by the operators that the ranges will be
 * read with. Each bound has to be less than the next one; and of a sample of the rows each has to be in one range.
 */
export async function takeEachRowOnce(
  client: pg.ClientBase,
  selection: Selection,
  key: Key,
  { bounds, rows }: { bounds: readonly string[]; rows: number },
): Promise<boolean> {
  if (bounds.length === 0) return true;
  const { less, least } = key.operators;
  const all = placed(selection, key, bounds);
  const { rows: told } = await attempt(client, () =>
    client.query<{ ascend: boolean }>(
      `select coalesce(pg_catalog.bool_and(before ${less} bound) filter (where n > 1), true) as ascend
       from (select n, bound, pg_catalog.lag(bound) over (order by n) as before from (${all}) b) b`,
    ),
  );
  if (told[0]?.ascend !== true) return false;
  if (!selection.dataset.hasPages) return true;
  const most = Math.max(fewestRows, Math.floor(mostComparisons / bounds.length));
  const percent = Math.min(100, (100 * most) / Math.max(1, rows));
  const name = keyOf(key.column);
  const sample = `
    with edge as (
      select n, bound, pg_catalog.lead(bound) over (order by n) as next from (${all} union all select 0, null) b)
    select coalesce(pg_catalog.bool_and(ranges = 1), true) as once from (
      select (select pg_catalog.count(*) from edge e where (e.n = 0 or s.key ${least} e.bound)
        and (e.n = ${bounds.length} or s.key ${less} e.next)) as ranges
      from (select * from (select ${name} as key
        from ${rowsOf(selection.dataset)} tablesample system (${percent})${conditions(selection)}) k
        where pg_catalog.num_nulls(key) = 0 limit ${most}) s) held`;
  try {
    const { rows: held } = await attempt(client, () => client.query<{ once: boolean }>(sample));
    return held[0]?.once === true;
  } catch (error) {
    // The bounds ascend; of rows that take so long to find none is looked at.
    if (/^(57014|55P03)$/.test(codeOf(error) ?? '')) return true;
    throw error;
  }
}

/**
 * Values of a key that divide a selection into so many parts of about as many rows, by a sample of its pages: the
 * first ones of the parts but the first. Values of any type can be had so; an array of arrays is none of arrays.
 */
export function sampleSplit(
  selection: Selection,
  { column, operators }: Key,
  parts: number,
  percent: number,
): string {
  return `select pg_catalog.format('%s', b.bound) as bound from (
    select distinct bound from (
      select bound, pg_catalog.row_number() over (order by bound using ${operators.less}) as n, pg_catalog.count(*) over () as rows from (
        select ${keyOf(column)} as bound
        from ${rowsOf(selection.dataset)} tablesample system (${percent})${conditions(selection)}
      ) sampled where pg_catalog.num_nulls(bound) = 0
    ) placed where n > 1 and (n - 1) * ${parts} / rows <> (n - 2) * ${parts} / rows
  ) b order by b.bound using ${operators.less}`;
}
