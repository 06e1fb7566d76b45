import { chown, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { Readers } from '../../lib/engine/readers.ts';
import { CopyOut, piecesToSpare } from '../../lib/sources/copy-out.ts';
import { SourceSocket } from '../../lib/sources/source-socket.ts';
import { selfSigned } from '../stack/certificate.ts';
import { home, sourceUrl, sql } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

/** The rows of a COPY, taken out of the frames of the wire, held against what PostgreSQL says it sent. */
const ways = [
  ['a connection of a reader', 'plain', () => new SourceSocket()],
  ['a connection of a reader by TLS', 'TLS', () => new SourceSocket()],
  ['a connection of a pool', 'plain', undefined],
] as const;
let urlOfTls = '';

beforeAll(async () => {
  const { key, certificate } = selfSigned();
  const folder = join(home(), 'postgres');
  // The server reads a key only if it is its own, and nobody else's.
  const { uid, gid } = await stat(folder);
  for (const [name, text] of Object.entries({ 'server.key': key, 'server.crt': certificate })) {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    await chown(join(folder, name), uid, gid);
  }
  // The name in the certificate is that of the host.
  const url = new URL(sourceUrl('sales'));
  url.hostname = 'localhost';
  url.searchParams.set('sslmode', 'verify-full');
  url.searchParams.set('sslrootcert', join(folder, 'server.crt'));
  urlOfTls = url.href;
  await setTls('on');
});
afterAll(() => setTls('off'));

async function setTls(value: 'on' | 'off'): Promise<void> {
  await sql(sourceUrl('sales'), `alter system set ssl = ${value}`);
  await sql(sourceUrl('sales'), 'select pg_reload_conf()');
  await until(`TLS is ${value}`, async () => {
    const [now] = await sql<{ ssl: string }>(
      sourceUrl('sales'),
      `select current_setting('ssl') as ssl`,
    );
    return now?.ssl === value ? true : undefined;
  });
}

async function all(copy: CopyOut): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of copy) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe.each(ways)('by %s', (...[, wire, stream]) => {
  let client: pg.Client;

  const connected = async (): Promise<pg.Client> => {
    const made = new pg.Client({
      connectionString: wire === 'TLS' ? urlOfTls : sourceUrl('sales'),
      ...(stream && { stream }),
    });
    made.on('error', () => undefined);
    await made.connect();
    return made;
  };

  beforeAll(async () => {
    client = await connected();
  });
  afterAll(() => client.end());

  test('it is that', async () => {
    const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    expect(rows).toEqual([{ ssl: wire === 'TLS' }]);
  });

  test.each([
    ['no rows', 'select 1 where false', 0],
    ['one row', 'select 1', 1],
    ['rows of nothing', `select '' from generate_series(1, 1000)`, 1_000],
    ['rows with line feeds', `select E'a\\n\\nb' from generate_series(1, 50000)`, 50_000],
    [
      'a row of 10 MB among others',
      `select repeat('x', case when n = 5 then 10000000 else n end) from generate_series(1, 9) n`,
      9,
    ],
    ['rows of all lengths', `select repeat('y', n) from generate_series(1, 3000) n`, 3_000],
  ])('%s come as they were sent, and are counted', async (_, query, rows) => {
    const copy = client.query(new CopyOut(`copy (${query}) to stdout (format csv)`));
    const bytes = await all(copy);
    expect(copy.frames).toBe(rows);
    expect(await copy.told).toBe(rows);
    const [wanted] = await sql<{ text: string }>(
      sourceUrl('sales'),
      `select coalesce(string_agg(case when t = '' then '""' when t ~ '\\n' then '"' || t || '"' else t end || E'\\n', ''), '') as text
     from (select (r.*)::text as row, r.v as t from (select q.v::text from (${query}) q(v)) r) s`,
    );
    expect(bytes.toString() === wanted?.text).toBe(true);
    // The connection is the driver's again.
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  test('the binary format has a frame more: its end', async () => {
    const copy = client.query(
      new CopyOut('copy (select n from generate_series(1, 1000) n) to stdout (format binary)'),
    );
    const bytes = await all(copy);
    expect([copy.frames, await copy.told, bytes.length]).toEqual([
      1_001,
      1_000,
      19 + 1_000 * 10 + 2,
    ]);
  });

  test('an error behind some rows is an error, not an end; the connection goes on', async () => {
    const copy = client.query(
      new CopyOut('copy (select 1 / (n - 200000) from generate_series(1, 200000) n) to stdout'),
    );
    await expect(all(copy)).rejects.toMatchObject({ code: '22012' });
    await expect(copy.told).rejects.toMatchObject({ code: '22012' });
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  test('a statement that is none is an error', async () => {
    await expect(all(client.query(new CopyOut('copy nothing to stdout')))).rejects.toMatchObject({
      code: '42P01',
    });
  });

  test('a connection that ends between rows is an error', async () => {
    const other = await connected();
    const { rows } = await other.query<{ pid: number }>('select pg_backend_pid() as pid');
    const copy = other.query(
      new CopyOut(
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

  test('what nobody takes stays with the server', async () => {
    const other = await connected();
    const copy = other.query(
      new CopyOut(`copy (select repeat('x', 1000) from generate_series(1, 200000)) to stdout`, {
        ahead: 4,
      }),
    );
    copy.on('error', () => undefined);
    // Nothing more comes in: seen again and again, for a machine that is slow has pauses, too.
    let [seen, still] = [0, 0];
    await until('no more rows come', async () => {
      still = copy.frames > 0 && copy.frames === seen ? still + 1 : 0;
      seen = copy.frames;
      return still === 10 ? true : undefined;
    });
    expect(copy.frames).toBeLessThan(10_000);
    expect((await all(copy)).length).toBe(200_000 * 1_001);
    await other.end();
  });

  test('one that is given up in the middle is given up', async () => {
    const other = await connected();
    const copy = other.query(
      new CopyOut('copy (select n from generate_series(1, 5000000) n) to stdout'),
    );
    for await (const piece of copy) if (piece) break;
    await expect(copy.told).rejects.toThrow();
    await other.end();
  });

  test('with no connection left for a second reader, one reads all, in order', async () => {
    await client.query('begin isolation level repeatable read read only');
    const none = (): Promise<pg.Client> => Promise.reject(new Error('too many clients already'));
    const readers = await Readers.join(client, {
      others: 1,
      holding: 'select 1',
      connect: none,
    });
    const statements = [1, 2, 3].map((n) => `copy (select ${n}) to stdout`);
    const texts: string[] = [];
    for await (const copy of readers.inOrder(statements, piecesToSpare(), () => undefined))
      texts.push((await all(copy)).toString());
    expect(texts).toEqual(['1\n', '2\n', '3\n']);
    await readers.commit();
    await readers.close();
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });
});
