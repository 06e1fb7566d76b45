import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import pg from 'pg';
import copy from 'pg-copy-streams';
import { z } from 'zod';

/** The stack under test, as it describes itself to the world. */
export const stackSchema = z.object({
  url: z.url(),
  api: z.url(),
  live: z.string(),
  kafka: z.object({ brokers: z.array(z.string()) }),
  postgres: z.object({ catalogue: z.string(), sources: z.record(z.string(), z.string()) }),
  s3: z.object({ endpoint: z.string(), bucket: z.string() }),
  lambda: z.url(),
  pid: z.int(),
  processes: z.array(z.object({ name: z.string(), pid: z.int() })),
});
export type Stack = z.infer<typeof stackSchema>;

const person = z.object({ email: z.string(), password: z.string(), apiKey: z.string() });
export type Person = z.infer<typeof person>;
const credentialsSchema = z.object({ demo: person, admin: person, other: person });

export const home = (): string => {
  const path = process.env.STREAMSYNC_TEST_HOME;
  if (path === undefined) throw new Error('no stack: the set-up did not run');
  return path;
};

export const readStack = async (): Promise<Stack> =>
  stackSchema.parse(JSON.parse(await readFile(join(home(), 'stack.json'), 'utf8')));

export const stack = await readStack();
export const credentials = credentialsSchema.parse(
  JSON.parse(await readFile(join(home(), 'credentials.json'), 'utf8')),
);

/** A connection that ends between two queries is the next query's error, not one of whichever test runs then. */
async function connectedTo(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** Runs SQL on a database of the stack as its superuser. */
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

/** What the server itself gives for a query as CSV with header, in UTC: the reference for exports. */
export async function referenceCsv(source: string, query: string): Promise<Buffer> {
  const client = await connectedTo(sourceUrl(source));
  try {
    await client.query(`set timezone = 'UTC'`);
    return await buffer(client.query(copy.to(`copy (${query}) to stdout (format csv, header)`)));
  } finally {
    await client.end();
  }
}

/** The rows of a CSV in a fixed order: exports promise none. Rows with line feeds in them are cut alike. */
export const sortedLines = (csv: Buffer): string =>
  csv.toString().split('\n').toSorted().join('\n');
