import type { Queryable } from '../runtime/catalogue.ts';
import { textArray } from './binary-arrays.ts';

/**
 * Locks the series of a batch until the end of the transaction and returns the unit of each; unknown series are added. A
 * series without a unit gets the one that is declared.
 *
 * Every transaction that writes readings or rollups of a series holds its lock: two that recompute the same rollup
 * would each miss the readings of the other. All of them lock in the order of the names, so that there is no deadlock.
 *
 * @param declared the unit that the readings name, null if they name none
 */
export async function lockSeries(
  client: Queryable,
  declared: ReadonlyMap<string, string | null>,
): Promise<Map<string, string>> {
  const names = textArray([...declared.keys()]);
  const units = textArray([...declared.values()]);
  await client.query(
    `insert into public.series (series, unit)
     select n.series, coalesce(n.unit, '') from unnest($1::text[], $2::text[]) n (series, unit)
     where not exists (select from public.series s where s.series = n.series)
     order by n.series collate "C" on conflict do nothing`,
    [names, units],
  );
  const { rows } = await client.query<{ series: string; unit: string }>(
    `select series, unit from public.series where series = any($1::text[])
     order by series collate "C" for no key update`,
    [names],
  );
  const unitOf = new Map(rows.map(({ series, unit }) => [series, unit]));
  const adopted = [...declared].filter(
    ([series, unit]) => unit !== null && unitOf.get(series) === '',
  );
  if (adopted.length === 0) return unitOf;
  await client.query(
    `update public.series s set unit = n.unit from unnest($1::text[], $2::text[]) n (series, unit)
     where s.series = n.series`,
    [textArray(adopted.map(([series]) => series)), textArray(adopted.map(([, unit]) => unit))],
  );
  for (const [series, unit] of adopted) if (unit !== null) unitOf.set(series, unit);
  return unitOf;
}
