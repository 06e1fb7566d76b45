import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import pg from 'pg';
import copy from 'pg-copy-streams';
import { z } from 'zod';
import { type StackFile, stackFileSchema } from '../../infra/local/home/stack-file.ts';
import { workerStack } from './worker-stack.ts';

const personSchema = z.object({ email: z.string(), password: z.string(), apiKey: z.string() });
export type Person = z.infer<typeof personSchema>;
const credentialsSchema = z.object({
  demo: personSchema,
  admin: personSchema,
  other: personSchema,
});

export const home = (): string => workerStack().home;

export const readStack = async (): Promise<StackFile> =>
  stackFileSchema.parse(JSON.parse(await readFile(join(home(), 'stack.json'), 'utf8')));

export const stack = await readStack();
export const credentials = credentialsSchema.parse(
  JSON.parse(await readFile(join(home(), 'credentials.json'), 'utf8')),
);

/** Returns a connection. If it breaks between two queries, the next query fails, not the test that happens to run. */
async function connectedTo(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** Runs SQL on a database of the stack as superuser. */
export async function sql<Row extends pg.QueryResultRow>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = await connectedTo(url);
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

export const sourceUrl = (name: string): string => {
  const url = stack.postgres.sources[name];
  if (url === undefined) throw new Error(`the stack has no source ${name}`);
  return url;
};

/** Returns the server's own CSV (with header, in UTC) of a query: the reference for exports. */
export async function referenceCsv(source: string, query: string): Promise<Buffer> {
  const client = await connectedTo(sourceUrl(source));
  try {
    await client.query(`set timezone = 'UTC'`);
    return await buffer(client.query(copy.to(`copy (${query}) to stdout (format csv, header)`)));
  } finally {
    await client.end();
  }
}

/**
 * Returns the sorted lines of a CSV, because exports promise no order. Rows with line feeds are cut in the same way
 * on both sides.
 */
export const sortedLines = (csv: Buffer): string =>
  csv.toString().split('\n').toSorted().join('\n');
