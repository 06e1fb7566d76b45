import { sourceUrl, sql } from '../support/stack.ts';

/** The measured table: a column of each common type, about 100 bytes per row as CSV. */
export const dataset = 'bench_rows';
export const maxRows = 2_000_000;

export async function createTable(name = dataset, rows = maxRows): Promise<void> {
  await sql(
    sourceUrl('sales'),
    `drop table if exists ${name};
     create table ${name} as
       select n * 1000003::bigint as id, (n % 100000)::int as customer,
         timestamptz '2024-01-01Z' + n * interval '7.000013 s' as at, random() as ratio,
         (random() * 1e5)::numeric(10, 2) as amount, 'item ' || n % 9973 as name,
         jsonb_build_object('n', n % 1000) as tags
       from generate_series(1, ${rows}) n;
     create index on ${name} (id);
     grant select on ${name} to public;
     analyze ${name}`,
  );
  // Vacuumed like a table in use. VACUUM must be a statement of its own.
  await sql(sourceUrl('sales'), `vacuum ${name}`);
}

/** Returns the conditions that select the first `rows` rows. */
export const firstRows = (rows: number) =>
  rows >= maxRows ? [] : [{ column: 'id', op: 'lte', value: rows * 1_000_003 }];

export const dropTable = (): Promise<unknown> => sql(sourceUrl('sales'), `drop table ${dataset}`);
