import pg from 'pg';
import { sourceListSchema } from '../../lib/contracts/sources.ts';
import { asDemo, call, createExport, ended } from '../support/api.ts';
import { sourceUrl, sql } from '../support/stack.ts';
import { secondsOf } from './measure.ts';

/**
 * Measures a source with 12,000 tables of 26 columns, a table of 2,000 partitions and one of 1,600 columns: the list
 * of its datasets, and exports. Prints seconds and bytes. The only limit is that of an answer, 6 MB.
 */
const schema = 'bench_wide';
const source = sourceUrl('sales');
const tables = 12_000;
const columns = 26;
const partitions = 2_000;
const wideColumns = 1_600;
const maxBytes = 6_000_000;

/** All tables in one transaction would need more locks than the server has room for. */
const tablesPerTransaction = 500;

async function runInBatches(count: number, statement: (n: number) => string): Promise<void> {
  const client = new pg.Client({ connectionString: source });
  await client.connect();
  try {
    for (let from = 0; from < count; from += tablesPerTransaction) {
      const batch = Array.from(
        { length: Math.min(tablesPerTransaction, count - from) },
        (_, n) => from + n,
      );
      await client.query(batch.map(statement).join(';'));
    }
  } finally {
    await client.end();
  }
}

async function create(): Promise<void> {
  const definition = Array.from({ length: columns - 1 }, (_, n) => `column_${n} text`).join(', ');
  await sql(source, `create schema ${schema}; grant usage on schema ${schema} to public`);
  await runInBatches(
    tables,
    (n) =>
      `create table ${schema}.t_${n} (at timestamptz, ${definition}); grant select on ${schema}.t_${n} to public`,
  );
  const wide = Array.from({ length: wideColumns }, (_, n) => `column_${n} int`).join(', ');
  await sql(
    source,
    `create table ${schema}.wide (${wide}); insert into ${schema}.wide (column_0) select generate_series(1, 10000);
     create table ${schema}.days (at timestamptz, n int) partition by range (at);
     grant select on ${schema}.wide, ${schema}.days to public`,
  );
  const day = (n: number): string => `timestamptz '2020-01-01Z' + ${n} * interval '1 day'`;
  await runInBatches(
    partitions,
    (n) =>
      `create table ${schema}.days_${n} partition of ${schema}.days for values from (${day(n)}) to (${day(n + 1)});
       insert into ${schema}.days values (${day(n)}, ${n}); grant select on ${schema}.days_${n} to public`,
  );
}

async function drop(): Promise<void> {
  await runInBatches(tables, (n) => `drop table if exists ${schema}.t_${n}`);
  await runInBatches(partitions, (n) => `drop table if exists ${schema}.days_${n}`);
  await sql(source, `drop schema if exists ${schema} cascade`);
}

const print = (what: string, seconds: number, more = ''): void =>
  console.log(`${what.padEnd(46)} ${seconds.toFixed(2).padStart(7)} s  ${more}`);

async function measureList(path: string): Promise<boolean> {
  let result = { bytes: 0, datasets: 0, withColumns: 0, leftOut: 0, error: '' };
  const seconds = await secondsOf(async () => {
    const answer = await call('GET', path, { headers: asDemo });
    const sales = answer.json(sourceListSchema).sources.find(({ name }) => name === 'sales');
    result = {
      bytes: answer.bytes.length,
      datasets: sales?.datasets.length ?? 0,
      withColumns: sales?.datasets.filter((it) => !it.columnsLeftOut).length ?? 0,
      leftOut: sales?.datasetsLeftOut ?? 0,
      error: sales?.error ?? '',
    };
  });
  const { bytes, datasets, withColumns, leftOut, error } = result;
  print(
    `GET ${path}`,
    seconds,
    `${(bytes / 1e6).toFixed(2)} MB, ${datasets} datasets, ${withColumns} with columns, ${leftOut} left out ${error}`,
  );
  return error === '' && bytes <= maxBytes;
}

async function measureExport(what: string, request: object): Promise<boolean> {
  let result = '';
  let isReady = false;
  const seconds = await secondsOf(async () => {
    const { id } = await createExport({ sources: ['sales'], format: 'csv', ...request });
    const { status, file, error } = await ended(id, 300);
    isReady = status === 'ready';
    result = `${status}, ${file?.rows ?? 0} rows ${error?.message ?? ''}`;
    await call('DELETE', `/exports/${id}`, { headers: asDemo });
  });
  print(`export of ${what}`, seconds, result);
  return isReady;
}

/** Returns whether every answer is within its limit and every export ready. */
export async function measureWide(): Promise<boolean> {
  await drop();
  try {
    print(`created ${tables} tables, ${partitions} partitions`, await secondsOf(create));
    const passed = [
      await measureList('/sources'),
      await measureList('/sources'),
      await measureList(`/sources?source=sales&search=t_1199`),
      await measureExport('one of the tables', { dataset: `${schema}.t_11999` }),
      await measureExport('two days of the partitions', {
        dataset: `${schema}.days`,
        from: '2021-01-01T00:00:00Z',
        to: '2021-01-03T00:00:00Z',
      }),
      await measureExport('all of the partitions', { dataset: `${schema}.days` }),
      await measureExport(`${wideColumns} columns, csv`, { dataset: `${schema}.wide` }),
      await measureExport(`${wideColumns} columns, parquet`, {
        dataset: `${schema}.wide`,
        format: 'parquet',
      }),
    ];
    const unknown = await secondsOf(async () => {
      const body = { sources: ['sales'], dataset: `${schema}.no`, format: 'csv' };
      const { status } = await call('POST', '/exports', { headers: asDemo, body });
      passed.push(status === 422);
    });
    print('request for an unknown dataset', unknown);
    return passed.every(Boolean);
  } finally {
    await drop();
  }
}
