// Loads the demo data of the two source databases at the first start.
//
// A database has all of its demo data or none: its tables, rows, indexes, privileges and statistics are committed in one
// transaction, together with a marker (the comment on the database). A process that is killed before the commit leaves
// an empty database, and the next start loads it again. Two processes that start together are ordered by an advisory
// lock, and the second one finds the marker.
//
// Both databases load in parallel. Memory is bounded: rows are generated as fast as COPY accepts them.

import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { csvChunks } from './csv.ts';
import { iot } from './iot.ts';
import { sales } from './sales.ts';
import { type Demo, type DemoTable } from './table.ts';

const demoMarker = 'StreamSync demo data';
const bufferedBytes = 1024 * 1024; // generated before the server has accepted them

/**
 * Loads the demo data into both databases unless they have it. `urls` are superuser URLs of databases that are empty or
 * have the demo data; `report` gets one line of text for each. Throws an Error that names the database, with the cause;
 * the other database keeps what it has loaded.
 */
export async function loadDemo(
  urls: { sales: string; iot: string },
  report: (line: string) => void,
): Promise<void> {
  const results = await Promise.allSettled([
    load(sales, urls.sales, report),
    load(iot, urls.iot, report),
  ]);
  const errors = results
    .filter((result) => result.status === 'rejected')
    .map((result) => result.reason);
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, 'The demo data was not loaded.');
}

async function load(demo: Demo, url: string, report: (line: string) => void): Promise<void> {
  const startedAt = performance.now();
  const client = new Client({ connectionString: url, application_name: 'streamsync-demo' });
  client.on('error', () => {}); // a lost connection also rejects the current statement
  try {
    await client.connect();
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock(hashtext($1))', [demoMarker]);
    if (await hasMarker(client)) {
      report(`${demo.database}: demo data exists`);
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
      `comment on database ${client.escapeIdentifier(client.database ?? demo.database)} is ${client.escapeLiteral(demoMarker)}`,
    );
    await client.query('commit');
    report(
      `${demo.database}: loaded ${counts.join(', ')} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
    );
  } catch (cause) {
    throw new Error(
      `The demo data was not loaded into ${demo.database}; the transaction was rolled back. If the database has other tables, drop and create it.`,
      { cause },
    );
  } finally {
    await client.end();
  }
}

async function hasMarker(client: Client): Promise<boolean> {
  const { rowCount } = await client.query(
    "select from pg_database where datname = current_database() and shobj_description(oid, 'pg_database') = $1",
    [demoMarker],
  );
  return rowCount === 1;
}

/** Returns the number of rows that the server stored. */
async function copy(client: Client, table: DemoTable): Promise<number> {
  const stream = client.query(
    copyFrom(`copy ${table.name} (${table.columns.join(', ')}) from stdin (format csv, freeze)`, {
      highWaterMark: bufferedBytes,
    }),
  );
  await pipeline(Readable.from(csvChunks(table.rows())), stream);
  return stream.rowCount;
}

function sqlFile(name: string): Promise<string> {
  return readFile(new URL(`./${name}.sql`, import.meta.url), 'utf8');
}
