import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { ParallelReaders } from '../../lib/engine/read/parallel-readers.ts';
import { csvKernel } from '../../lib/kernels/csv-kernel.ts';
import { CopyToStream, createChunkPool } from '../../lib/sources/copy/copy-stream.ts';
import { ReusedBufferSocket } from '../../lib/sources/copy/reused-buffer-socket.ts';
import { createAuthority } from '../support/certificate.ts';
import { setTls, turnTlsOn } from '../support/postgres-tls.ts';
import { home, sourceUrl, sql } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** The connections over which a COPY stream is read, with the rows compared with PostgreSQL's own count. */
const ways = [
  ['a connection of a reader', 'plain', () => new ReusedBufferSocket()],
  ['a connection of a reader by TLS', 'TLS', () => new ReusedBufferSocket()],
  ['a connection of a pool', 'plain', undefined],
] as const;
let urlOfTls = '';

beforeAll(async () => {
  const authority = createAuthority();
  const folder = join(home(), 'postgres');
  const ca = join(folder, 'ca.crt');
  await writeFile(ca, authority.certificate);
  // The certificate names the host.
  const url = new URL(sourceUrl('sales'));
  url.hostname = 'localhost';
  url.searchParams.set('sslmode', 'verify-full');
  url.searchParams.set('sslrootcert', ca);
  urlOfTls = url.href;
  await turnTlsOn(sourceUrl('sales'), folder, authority.issue('localhost'));
});
afterAll(() => setTls(sourceUrl('sales'), 'off'));

async function all(copy: CopyToStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of copy) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe.each(ways)('COPY streams by %s', (...[, wire, stream]) => {
  let client: pg.Client;

  const connected = async (): Promise<pg.Client> => {
    const connection = new pg.Client({
      connectionString: wire === 'TLS' ? urlOfTls : sourceUrl('sales'),
      ...(stream && { stream }),
    });
    connection.on('error', () => undefined);
    await connection.connect();
    return connection;
  };

  beforeAll(async () => {
    client = await connected();
  });
  afterAll(() => client.end());

  test('the connection uses the wire under test', async () => {
    const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    expect(rows).toEqual([{ ssl: wire === 'TLS' }]);
  });

  test.each([
    ['no rows', 'select 1 where false', 0],
    ['one row', 'select 1', 1],
    ['rows of empty text', `select '' from generate_series(1, 1000)`, 1_000],
    ['rows with line feeds', `select E'a\\n\\nb' from generate_series(1, 50000)`, 50_000],
    [
      'a row of 10 MB among others',
      `select repeat('x', case when n = 5 then 10000000 else n end) from generate_series(1, 9) n`,
      9,
    ],
    ['rows of all lengths', `select repeat('y', n) from generate_series(1, 3000) n`, 3_000],
  ])('a COPY of %s has the same bytes and row count as on the server', async (_, query, rows) => {
    const statement = `copy (${query}) to stdout (format csv)`;
    const copy = client.query(new CopyToStream(statement));
    const bytes = await all(copy);
    expect(copy.rowCount).toBe(rows);
    expect(await copy.serverRowCount).toBe(rows);
    const byKernel = client.query(new CopyToStream(statement, { kernel: csvKernel(false) }));
    expect((await all(byKernel)).equals(bytes)).toBe(true);
    expect([byKernel.rowCount, await byKernel.serverRowCount]).toEqual([rows, rows]);
    const [expected] = await sql<{ text: string }>(
      sourceUrl('sales'),
      `select coalesce(string_agg(case when t = '' then '""' when t ~ '\\n' then '"' || t || '"' else t end || E'\\n', ''), '') as text
     from (select (r.*)::text as row, r.v as t from (select q.v::text from (${query}) q(v)) r) s`,
    );
    expect(bytes.toString() === expected?.text).toBe(true);
    // The driver can use the connection again.
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  test('rowCount of a binary COPY counts the end frame, serverRowCount does not', async () => {
    const copy = client.query(
      new CopyToStream('copy (select n from generate_series(1, 1000) n) to stdout (format binary)'),
    );
    const bytes = await all(copy);
    expect([copy.rowCount, await copy.serverRowCount, bytes.length]).toEqual([
      1_001,
      1_000,
      19 + 1_000 * 10 + 2,
    ]);
  });

  test.each([
    ['as they are', undefined],
    ['by a kernel', csvKernel(false)],
  ])(
    'an error after some rows %s is an error, not an end, and leaves the connection usable',
    async (__, kernel) => {
      const copy = client.query(
        new CopyToStream(
          'copy (select 1 / (n - 200000) from generate_series(1, 200000) n) to stdout',
          { kernel },
        ),
      );
      await expect(all(copy)).rejects.toMatchObject({ code: '22012' });
      await expect(copy.serverRowCount).rejects.toMatchObject({ code: '22012' });
      expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    },
  );

  test("a statement that fails rejects with the server's error", async () => {
    await expect(
      all(client.query(new CopyToStream('copy nothing to stdout'))),
    ).rejects.toMatchObject({
      code: '42P01',
    });
  });

  test('a connection that breaks between rows is an error', async () => {
    const other = await connected();
    const { rows } = await other.query<{ pid: number }>('select pg_backend_pid() as pid');
    const copy = other.query(
      new CopyToStream(
        'copy (select n, pg_sleep(n / 100000) from generate_series(1, 300000) n) to stdout',
      ),
    );
    const ending = all(copy);
    setTimeout(() => {
      void sql(sourceUrl('sales'), 'select pg_terminate_backend($1)', [rows[0]?.pid]);
    }, 300);
    await expect(ending).rejects.toThrow(/terminat/);
    await other.end();
  });

  test.each([
    ['as they are', undefined],
    ['by a kernel', csvKernel(false)],
  ])('rows %s that are not read stay on the server', async (__, kernel) => {
    const other = await connected();
    const copy = other.query(
      new CopyToStream(
        `copy (select repeat('x', 1000) from generate_series(1, 200000)) to stdout`,
        {
          readAheadChunks: 4,
          kernel,
        },
      ),
    );
    copy.on('error', () => undefined);
    // The count must be stable 10 times, because a slow machine has pauses, too.
    let [lastCount, unchangedTimes] = [0, 0];
    await waitFor('no more rows come', async () => {
      unchangedTimes = copy.rowCount > 0 && copy.rowCount === lastCount ? unchangedTimes + 1 : 0;
      lastCount = copy.rowCount;
      return unchangedTimes === 10 ? true : undefined;
    });
    expect(copy.rowCount).toBeLessThan(10_000);
    expect((await all(copy)).length).toBe(200_000 * 1_001);
    await other.end();
  });

  test('a COPY stream that is closed early rejects serverRowCount', async () => {
    const other = await connected();
    const copy = other.query(
      new CopyToStream('copy (select n from generate_series(1, 5000000) n) to stdout'),
    );
    for await (const chunk of copy) if (chunk) break;
    await expect(copy.serverRowCount).rejects.toThrow();
    await other.end();
  });

  test('one reader reads all ranges in order if no connection is left for a second one', async () => {
    await client.query('begin isolation level repeatable read read only');
    const refused = Promise.reject(new Error('too many clients already'));
    const readers = await ParallelReaders.join(client, { others: [refused], holding: 'select 1' });
    const statements = [1, 2, 3].map((n) => `copy (select ${n}) to stdout`);
    const texts: string[] = [];
    for await (const copy of readers.streamInOrder(statements, {
      pool: createChunkPool(),
      onStart: () => undefined,
    }))
      texts.push((await all(copy)).toString());
    expect(texts).toEqual(['1\n', '2\n', '3\n']);
    await readers.commit();
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });
});
