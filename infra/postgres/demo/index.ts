// The demo data of the two source databases, loaded at the first start.
//
// A database has all of its demo or none: its tables, rows, indexes, privileges and statistics are committed in
// one transaction, together with the mark (the comment on the database) that says the demo is there. A process
// killed on the way leaves an empty database, and the next start loads it afresh. Two processes that start at
// once take turns behind an advisory lock, and the second finds the mark.
//
// Both databases load at the same time. Memory is bounded: rows are made as COPY takes them.

import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { csvChunks } from './csv.ts';
import { iot } from './iot.ts';
import { sales } from './sales.ts';
import { type Demo, type DemoTable } from './table.ts';

const MARK = 'StreamSync demo data';
const BUFFERED_BYTES = 1024 * 1024; // made ahead of what the server has taken

/**
 * Loads the demo data into both databases, where it is not there yet.
 *
 * @param urls superuser URLs of two databases that exist and are empty, or hold the demo
 * @param report takes a line of text for each database
 * @throws Error naming the database, with the cause; what the other database loaded stays
 */
export async function loadDemo(
  urls: { sales: string; iot: string },
  report: (line: string) => void,
): Promise<void> {
  const outcomes = await Promise.allSettled([
    load(sales, urls.sales, report),
    load(iot, urls.iot, report),
  ]);
  const errors = outcomes
    .filter((outcome) => outcome.status === 'rejected')
    .map((outcome) => outcome.reason);
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, 'The demo data was not loaded.');
}

async function load(demo: Demo, url: string, report: (line: string) => void): Promise<void> {
  const started = performance.now();
  const client = new Client({ connectionString: url, application_name: 'streamsync-demo' });
  client.on('error', () => {}); // a lost connection rejects the statement under way: that is where it is seen
  try {
    await client.connect();
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock(hashtext($1))', [MARK]);
    if (await isMarked(client)) {
      report(`${demo.database}: the demo data is there already`);
      return;
    }
    await client.query(await sqlFile('privileges'));
    await client.query(await sqlFile(demo.database));
    const counts: string[] = [];
    for (const table of demo.tables)
      counts.push(`${(await copy(client, table)).toLocaleString('en')} ${table.name}`);
    await client.query("set local maintenance_work_mem = '256MB'");
    await client.query(await sqlFile(`${demo.database}.indexes`));
    await client.query(
      `comment on database ${client.escapeIdentifier(client.database ?? demo.database)} is ${client.escapeLiteral(MARK)}`,
    );
    await client.query('commit');
    report(
      `${demo.database}: loaded ${counts.join(', ')} in ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
  } catch (cause) {
    throw new Error(
      `The demo data was not loaded into ${demo.database}, and nothing of it is left there. If the database has other tables, drop and create it.`,
      { cause },
    );
  } finally {
    await client.end();
  }
}

async function isMarked(client: Client): Promise<boolean> {
  const { rowCount } = await client.query(
    "select from pg_database where datname = current_database() and shobj_description(oid, 'pg_database') = $1",
    [MARK],
  );
  return rowCount === 1;
}

/** Returns the number of rows the server took. */
async function copy(client: Client, table: DemoTable): Promise<number> {
  const stream = client.query(
    copyFrom(`copy ${table.name} (${table.columns.join(', ')}) from stdin (format csv, freeze)`, {
      highWaterMark: BUFFERED_BYTES,
    }),
  );
  await pipeline(Readable.from(csvChunks(table.rows())), stream);
  return stream.rowCount;
}

function sqlFile(name: string): Promise<string> {
  return readFile(new URL(`./${name}.sql`, import.meta.url), 'utf8');
}
