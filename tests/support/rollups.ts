import { sql } from './stack.ts';

const maxDouble = '1.7976931348623157e308';
const bounded = (sum: string): string => `least(greatest(${sum}, -${maxDouble}), ${maxDouble})`;

/**
 * Rollups as they should be, written differently from lib/ingest/rollups.ts. A sum beyond the range of a double is the
 * largest double, in the hours for each of their minutes, because hours are made from minutes.
 */
const recomputed = (length: 'minute' | 'hour') => `
  select series, date_trunc('${length}', minute, 'UTC') as at, min(min) as min, max(max) as max,
    ${bounded('sum(sum)')}::float8 as sum,
    (select last.value from readings last
      where last.series = minutes.series and last.at = max(minutes.last_at)) as last,
    max(last_at) as last_at, sum(count)::bigint as count
  from (
    select series, date_trunc('minute', at, 'UTC') as minute, min(value) as min, max(value) as max,
      ${bounded('sum(value::numeric)')} as sum, max(at) as last_at, count(*) as count
    from readings where value not in ('NaN', 'Infinity', '-Infinity') and series like $1
    group by series, date_trunc('minute', at, 'UTC')
  ) minutes
  group by series, date_trunc('${length}', minute, 'UTC')`;

interface Sums {
  min: number | null;
  max: number | null;
  kept: number | null;
  expected: number | null;
  /** Whether all but the sum is right. */
  matches: boolean;
}

/** Returns the rollups of series like `pattern` that are missing, wrong, or of nothing. A sum may differ by rounding. */
export async function wrongRollups(url: string, pattern: string): Promise<unknown[]> {
  const wrong = [];
  for (const [table, length] of [
    ['readings_1m', 'minute'],
    ['readings_1h', 'hour'],
  ] as const) {
    const rollups = await sql<Sums>(
      url,
      `select '${table}' as "table", series, at, kept.min, kept.max, kept.sum as kept, expected.sum as expected,
         (kept.min, kept.max, kept.last, kept.last_at, kept.count) is not distinct from
           (expected.min, expected.max, expected.last, expected.last_at, expected.count) as matches
       from (select * from ${table} where series like $1) kept
       full join (${recomputed(length)}) expected using (series, at)`,
      [pattern],
    );
    wrong.push(...rollups.filter((rollup) => !rollup.matches || !isSum(rollup)));
  }
  return wrong;
}

function isSum({ min, max, kept, expected }: Sums): boolean {
  if (min === null || max === null || kept === null || expected === null) return false;
  const largest = Math.max(Math.abs(min), Math.abs(max));
  return Math.abs(kept / 2 - expected / 2) <= 1e-9 * largest;
}
