import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { describeSchema } from './dump.ts';
import { migrate } from './migrate.ts';

const schemaHeader =
  '-- The catalogue as the migrations leave it. Written by `npm run schema`; not run by anything.\n\n';

/** Returns the content of catalogue.sql for a database. */
export async function readSchema(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return schemaHeader + (await describeSchema(client));
  } finally {
    await client.end();
  }
}

/** Creates a database on the server of a superuser's URL, runs all migrations, calls `use`, and drops the database. */
export async function withScratchCatalogue<T>(
  superuserUrl: string,
  use: (url: string, migrations: string[]) => Promise<T>,
): Promise<T> {
  const name = `schema_${randomBytes(6).toString('hex')}`;
  const url = new URL(superuserUrl);
  url.pathname = `/${name}`;
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    await client.query(`create database ${name}`);
    try {
      return await use(url.href, await migrate(url.href));
    } finally {
      await client.query(`drop database ${name} with (force)`);
    }
  } finally {
    await client.end();
  }
}
