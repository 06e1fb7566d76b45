import { setTimeout } from 'node:timers/promises';
import { asDemo, call, createExport } from '../support/api.ts';
import { sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';
import { cpuSecondsOfStack, cpuSecondsOfTree, onCores } from './machine.ts';
import { median } from './measure.ts';
import { dataset, maxRows } from './table.ts';

/**
 * `npm run bench -- units`: what the units of a resumable export cost. Exports the same rows in few and in many units: the
 * difference, divided by that of the units, is what a unit costs by itself, in seconds, in CPU time, and in the catalogue.
 * Then the same export with the whole stack on one core and on two.
 */
const table = 'bench_units';
const [few, many] = [4, 32];
const rounds = 3;
/** Idle sessions of PostgreSQL report their statistics after ten seconds. */
const settleSeconds = 11;
const idleSeconds = 20;

async function createTable(): Promise<void> {
  await sql(
    sourceUrl('sales'),
    `drop table if exists ${table};
     create table ${table} (like ${dataset}, primary key (id)) with (autovacuum_enabled = off);
     insert into ${table} select * from ${dataset} order by id;
     grant select on ${table} to public`,
  );
  await sql(sourceUrl('sales'), `vacuum analyze ${table}`);
}

/**
 * Only an export that is expected to take minutes is divided: makes the planner believe that rows are so wide that an export
 * has this many units.
 */
const divideInto = (units: number): Promise<unknown> =>
  sql(
    sourceUrl('sales'),
    `update pg_statistic set stawidth = (${units - 0.5} * 60 / 12e-9 / c.reltuples / c.relnatts)::int
     from pg_class c where c.oid = starelid and c.oid = '${table}'::regclass`,
  );

interface CatalogueWork {
  /** That statements took. */
  ms: number;
  transactions: number;
}

async function catalogueWork(): Promise<CatalogueWork> {
  const [row] = await sql<CatalogueWork>(
    stack.postgres.catalogue,
    `select active_time as ms, (xact_commit + xact_rollback)::int as transactions
     from pg_stat_database where datname = current_database()`,
  );
  if (!row) throw new Error('the catalogue has no statistics');
  return row;
}

/** Returns what happens in the catalogue in a second in which there is no export. */
async function idleWork(): Promise<CatalogueWork> {
  await setTimeout(settleSeconds * 1_000);
  const before = await catalogueWork();
  await setTimeout(idleSeconds * 1_000);
  const after = await catalogueWork();
  return {
    ms: (after.ms - before.ms) / idleSeconds,
    transactions: (after.transactions - before.transactions) / idleSeconds,
  };
}

interface Ended {
  rows: number;
  megabytes: number;
  units: number;
  /** From the request to `ready`. */
  seconds: number;
  /** Of which the last unit assembled and verified the file. */
  assembling: number;
}

/** Asks the catalogue, because calls of the API would be work of the catalogue themselves. */
async function endOf(id: string): Promise<Ended> {
  const ended = await waitFor(
    'the export ends',
    async () => {
      const [row] = await sql<Ended & { state: string; error: string }>(
        stack.postgres.catalogue,
        `select e.state, e.error_message as error, (e.file->>'rows')::int as rows,
           (e.file->>'bytes')::float8 / 1e6 as megabytes, e.units_total as units,
           extract(epoch from e.finished_at - e.created_at)::float8 as seconds,
           (select extract(epoch from max(a.ended_at) - min(a.started_at))::float8 from attempts a
            join units u on u.id = a.unit_id where u.export_id = e.id and u.kind = 'finalize') as assembling
         from exports e where e.id = $1 and e.finished_at is not null`,
        [id],
      );
      return row;
    },
    { seconds: 300, everyMs: 1_000 },
  );
  if (ended.state !== 'ready') throw new Error(`${ended.state}: ${ended.error}`);
  if (ended.rows !== maxRows) throw new Error(`the export has ${ended.rows} rows`);
  return ended;
}

/** Of the workers, whose processes are started when there are units for them; of the sources and the catalogue; of S3. */
const parts = {
  workers: () => cpuSecondsOfStack(/^export-worker/),
  PostgreSQL: () => cpuSecondsOfTree('postgres'),
  storage: () => cpuSecondsOfTree('localstack'),
};

const cpuOfParts = (): Promise<number[]> =>
  Promise.all(Object.values(parts).map((seconds) => seconds()));

type Measured = Ended & CatalogueWork & { cpu: number[] };

async function measure(units: number, idle: CatalogueWork): Promise<Measured> {
  await divideInto(units);
  const before = await catalogueWork();
  const [cpuBefore, startedAt] = [await cpuOfParts(), performance.now()];
  const request = { sources: ['sales'], dataset: table, format: 'csv', consistency: 'resumable' };
  const { id } = await createExport(request);
  const ended = await endOf(id);
  const cpu = (await cpuOfParts()).map((seconds, n) => seconds - (cpuBefore[n] ?? 0));
  await setTimeout(settleSeconds * 1_000);
  const after = await catalogueWork();
  const elapsed = (performance.now() - startedAt) / 1_000;
  await call('DELETE', `/exports/${id}`, { headers: asDemo });
  return {
    ...ended,
    cpu,
    ms: after.ms - before.ms - idle.ms * elapsed,
    transactions: after.transactions - before.transactions - idle.transactions * elapsed,
  };
}

function print(all: readonly Measured[]): void {
  const of = (value: (it: Measured) => number): number => median(all.map(value));
  const cpu = Object.keys(parts).map(
    (name, n) => `${name} ${of((it) => it.cpu[n] ?? Number.NaN).toFixed(2)}`,
  );
  console.log(
    `${all[0]?.units} units: ${of((it) => it.seconds).toFixed(1)} s (rounds ${all.map((it) => it.seconds.toFixed(1)).join(' ')}), ` +
      `of which assembling ${of((it) => it.assembling).toFixed(1)} s, ${of((it) => it.megabytes / it.assembling).toFixed(0)} MB/s; ` +
      `CPU: ${cpu.join(', ')} s; catalogue ${of((it) => it.ms).toFixed(0)} ms in ${of((it) => it.transactions).toFixed(0)} transactions`,
  );
}

/** Prints what each unit more costs. */
function printUnit(less: readonly Measured[], more: readonly Measured[]): void {
  const units = (more[0]?.units ?? 0) - (less[0]?.units ?? 0);
  const each = (value: (it: Measured) => number): number =>
    (median(more.map(value)) - median(less.map(value))) / units;
  const cpu = Object.keys(parts).map(
    (name, n) => `${name} ${(1_000 * each((it) => it.cpu[n] ?? Number.NaN)).toFixed(0)}`,
  );
  console.log(
    `a unit more: ${(1_000 * each((it) => it.seconds)).toFixed(0)} ms; CPU: ${cpu.join(', ')} ms; ` +
      `catalogue ${each((it) => it.ms).toFixed(1)} ms in ${each((it) => it.transactions).toFixed(1)} transactions`,
  );
}

export async function measureUnits(): Promise<void> {
  await createTable();
  try {
    const idle = await idleWork();
    console.log(
      `catalogue without exports: ${idle.ms.toFixed(1)} ms in ${idle.transactions.toFixed(1)} transactions per second`,
    );
    const [less, more]: [Measured[], Measured[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      less.push(await measure(few, idle));
      more.push(await measure(many, idle));
    }
    print(less);
    print(more);
    printUnit(less, more);
    const ratios: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const one = await onCores('0', () => measure(2 * few, idle));
      const two = await measure(2 * few, idle);
      ratios.push(one.seconds / two.seconds);
    }
    console.log(
      `${2 * few} units, one core ÷ two cores for the whole stack: ${median(ratios).toFixed(2)}; rounds ${ratios.map((it) => it.toFixed(2)).join(' ')}`,
    );
  } finally {
    await sql(sourceUrl('sales'), `drop table ${table}`);
  }
}
