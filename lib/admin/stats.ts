import type { Stats, StatsQuery } from '../contracts/admin.ts';
import type { Queryable } from '../runtime/catalogue.ts';

const maxKeys = 1_000;

/** SQL: what the numbers are for, and how it is found. */
const keys = {
  day: { key: `to_char(e.created_at at time zone 'UTC', 'YYYY-MM-DD')`, from: '', order: 'key' },
  owner: {
    key: 'a.email',
    from: 'join accounts a on a.id = e.owner_id',
    order: 'exports desc, key',
  },
  source: {
    key: 's.name',
    from: `cross join lateral json_array_elements_text(e.request -> 'sources') s (name)`,
    order: 'exports desc, key',
  },
  format: { key: `e.request ->> 'format'`, from: '', order: 'exports desc, key' },
} as const;

/** Returns numbers of the exports created in a time range, of their latest run. */
export async function readStats(client: Queryable, { from, to, by }: StatsQuery): Promise<Stats> {
  const { key, from: join, order } = keys[by];
  const { rows } = await client.query<
    Omit<Stats['items'][number], 'seconds'> & { p50: number | null; p95: number | null }
  >(
    `select * from (
       select ${key} as key, count(*) as exports,
         count(e.file) as ready, count(*) filter (where e.state = 'failed') as failed,
         coalesce(sum((e.file ->> 'rows')::bigint), 0)::bigint as rows,
         coalesce(sum((e.file ->> 'bytes')::bigint), 0)::bigint as bytes,
         percentile_cont(0.5) within group (order by t.seconds) filter (where e.file is not null) as p50,
         percentile_cont(0.95) within group (order by t.seconds) filter (where e.file is not null) as p95
       from exports e ${join}
       cross join lateral (
         select greatest(0, extract(epoch from e.finished_at - e.started_at))::float8 as seconds) t
       where ($1::timestamptz is null or e.created_at >= $1)
         and ($2::timestamptz is null or e.created_at < $2)
       group by 1
     ) counted order by ${order} limit ${maxKeys}`,
    [from ?? null, to ?? null],
  );
  return {
    items: rows.map(({ p50, p95, ...numbers }) => ({ ...numbers, seconds: { p50, p95 } })),
  };
}
