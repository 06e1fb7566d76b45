import type pg from 'pg';
import { errorCode } from '../runtime/errors.ts';
import { type Key, keyLiteral, keyOf } from './key-ranges.ts';
import { conditions, type Selection } from './query.ts';
import { attempt } from './question.ts';
import { rowsOf } from './sql-text.ts';

/** Each row of the sample is compared with all ranges, and the comparisons take most of the time. */
const maxComparisons = 500_000;
const minSampleRows = 1_000;

/** Returns SQL for the bounds, numbered from 1, in the type and the collation of the key. */
const numberedBounds = (
  { dataset }: Selection,
  { column }: Key,
  bounds: readonly string[],
): string =>
  `(select 0 as n, ${keyOf(column)} as bound from ${rowsOf(dataset)} limit 0)
   union all values ${bounds.map((bound, n) => `(${n + 1}, ${keyLiteral(column, bound)})`).join(', ')}`;

/**
 * Returns whether ranges with these bounds include every row exactly once. The server compares with the operators that
 * will read the ranges: each bound has to be less than the next, and each row of a sample has to be in one range.
 */
export async function coverEachRowOnce(
  client: pg.ClientBase,
  selection: Selection,
  key: Key,
  { bounds, rows }: { bounds: readonly string[]; rows: number },
): Promise<boolean> {
  if (bounds.length === 0) return true;
  const { less, least } = key.operators;
  const boundsSql = numberedBounds(selection, key, bounds);
  const { rows: order } = await attempt(client, () =>
    client.query<{ ascend: boolean }>(
      `select coalesce(pg_catalog.bool_and(before ${less} bound) filter (where n > 1), true) as ascend
       from (select n, bound, pg_catalog.lag(bound) over (order by n) as before from (${boundsSql}) b) b`,
    ),
  );
  if (order[0]?.ascend !== true) return false;
  if (!selection.dataset.hasPages) return true;
  const sampleRows = Math.max(minSampleRows, Math.floor(maxComparisons / bounds.length));
  const percent = Math.min(100, (100 * sampleRows) / Math.max(1, rows));
  const name = keyOf(key.column);
  const sample = `
    with edge as (
      select n, bound, pg_catalog.lead(bound) over (order by n) as next from (${boundsSql} union all select 0, null) b)
    select coalesce(pg_catalog.bool_and(ranges = 1), true) as once from (
      select (select pg_catalog.count(*) from edge e where (e.n = 0 or s.key ${least} e.bound)
        and (e.n = ${bounds.length} or s.key ${less} e.next)) as ranges
      from (select * from (select ${name} as key
        from ${rowsOf(selection.dataset, { sample: ` tablesample system (${percent})` })}${conditions(selection)}) k
        where pg_catalog.num_nulls(key) = 0 limit ${sampleRows}) s) counted`;
  try {
    const { rows: counted } = await attempt(client, () => client.query<{ once: boolean }>(sample));
    return counted[0]?.once === true;
  } catch (error) {
    // The sample timed out: that the bounds ascend is enough.
    if (/^(57014|55P03)$/.test(errorCode(error) ?? '')) return true;
    throw error;
  }
}

/**
 * Returns SQL for the values of a key that divide a selection into `ranges` ranges of about equal rows, by a sample of
 * its pages. It numbers the values instead of using an array of them, because an array of arrays has other elements.
 */
export function sampleSplit(
  selection: Selection,
  { column, operators }: Key,
  ranges: number,
  percent: number,
): string {
  return `select pg_catalog.format('%s', b.bound) as bound from (
    select distinct bound from (
      select bound, pg_catalog.row_number() over (order by bound using ${operators.less}) as n, pg_catalog.count(*) over () as rows from (
        select ${keyOf(column)} as bound
        from ${rowsOf(selection.dataset, { sample: ` tablesample system (${percent})` })}${conditions(selection)}
      ) sampled where pg_catalog.num_nulls(bound) = 0
    ) placed where n > 1 and (n - 1) * ${ranges} / rows <> (n - 2) * ${ranges} / rows
  ) b order by b.bound using ${operators.less}`;
}
