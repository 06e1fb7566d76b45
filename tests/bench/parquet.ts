import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import pg from 'pg';
import copy from 'pg-copy-streams';
import { z } from 'zod';
import { ParquetEncoder } from '../../lib/formats/parquet/encoder.ts';
import { asDemo, call, createExport, ended } from '../stack/api.ts';
import { sourceUrl, sql } from '../stack/stack.ts';

/**
 * `STREAMSYNC_TEST_HOME=.local node tests/bench/parquet.ts`, beside a stack that runs: how much memory the
 * encoder needs for some rows, for ten and a hundred times as many, each in a process of its own; and seconds of an
 * export over seconds of `psql \copy` of the same rows, medians.
 */
const run = promisify(execFile);
const table = 'bench_parquet';
const most = 2_000_000;
const rounds = 5;
const source = sourceUrl('sales');
const types = {
  id: 'integer',
  key: 'bigint',
  at: 'timestamp with time zone',
  ratio: 'double precision',
  amount: 'numeric(12,2)',
  name: 'text',
  body: 'jsonb',
};
const measureSchema = z.object({ rows: z.int(), seconds: z.number(), megabytes: z.number() });

/** In a child: the encoder alone, into nothing. */
async function encode(rows: number): Promise<z.infer<typeof measureSchema>> {
  const client = new pg.Client({ connectionString: source });
  await client.connect();
  const columns = Object.entries(types).map(([name, type]) => ({
    name,
    type,
    base: type,
    nullable: true,
  }));
  const encoder = new ParquetEncoder(columns, 'zstd');
  const began = performance.now();
  const more = `${table} t cross join generate_series(1, ${Math.ceil(rows / most)})`;
  const query = `copy (select t.* from ${more} limit ${rows}) to stdout (format binary)`;
  for await (const piece of encoder.encode(client.query(copy.to(query)))) if (!piece) break;
  const seconds = (performance.now() - began) / 1_000;
  await client.end();
  return { rows: encoder.rows, seconds, megabytes: process.resourceUsage().maxRSS / 1_024 };
}

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const secondsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
};

async function measure(rows: number, times = rounds): Promise<number> {
  const measures = [];
  for (let round = 0; round < times; round++) {
    const { stdout } = await run(process.execPath, [import.meta.filename, String(rows)]);
    measures.push(measureSchema.parse(JSON.parse(stdout)));
  }
  const megabytes = median(measures.map((it) => it.megabytes));
  const seconds = median(measures.map((it) => it.seconds));
  console.log(
    `encoder alone: ${rows} rows in ${seconds.toFixed(2)} s, ` +
      `${Math.round(rows / seconds / 1_000)} thousand a second, at most ${Math.round(megabytes)} MB`,
  );
  return megabytes;
}

async function compare(): Promise<void> {
  const [copies, exports]: [number[], number[]] = [[], []];
  let bytes = 0;
  for (let round = 0; round < rounds; round++) {
    const command = `\\copy (select * from ${table}) to /dev/null csv header`;
    copies.push(await secondsOf(() => run('psql', [source, '-X', '-q', '-c', command])));
    let id = '';
    exports.push(
      await secondsOf(async () => {
        ({ id } = await createExport({ sources: ['sales'], dataset: table, format: 'parquet' }));
        bytes = (await ended(id, 120)).file?.bytes ?? 0;
      }),
    );
    await call('DELETE', `/exports/${id}`, { headers: asDemo });
  }
  const ratios = copies.map((seconds, n) => (exports[n] ?? Number.NaN) / seconds);
  console.log(
    `${most} rows, ${(bytes / 1e6).toFixed(1)} MB: psql \\copy ${median(copies).toFixed(2)} s, ` +
      `export ${median(exports).toFixed(2)} s, median of the ratios ${median(ratios).toFixed(2)}`,
  );
}

const wanted = process.argv[2];
if (wanted !== undefined) console.log(JSON.stringify(await encode(Number(wanted))));
else {
  await sql(
    source,
    `create table ${table} as select n::int as id, n * 1000000007::bigint as key,
       timestamptz '2024-01-01' + n * interval '1.234567 s' as at, random() as ratio,
       (random() * 1e6)::numeric(12, 2) as amount, 'customer ' || md5(n::text) as name,
       jsonb_build_object('a', n, 'tag', 'x' || n % 100) as body
     from generate_series(1, ${most}) n;
     grant select on ${table} to public`,
  );
  try {
    const once = await measure(most / 10);
    const tenfold = await measure(most);
    const hundredfold = await measure(most * 10, 1);
    for (const [name, more, less] of [
      ['ten times the rows', tenfold, once],
      ['ten times those', hundredfold, tenfold],
    ] as const)
      console.log(`${name}: ${(more / less).toFixed(2)} times the memory`);
    await compare();
  } finally {
    await sql(source, `drop table ${table}`);
  }
}
