import { expect, test } from '@jest/globals';
import pg from 'pg';
import { readerUrl } from '../../infra/local/environment.ts';
import { openHome, openSecrets } from '../../infra/local/home/home.ts';
import { home, sourceUrl, sql, stack } from '../support/stack.ts';

const secrets = openSecrets(openHome({ STREAMSYNC_HOME: home() }));
const { host } = new URL(stack.postgres.catalogue);
const ofReader = (source: string, database = source): string => {
  const url = new URL(readerUrl(secrets, host, source));
  url.pathname = `/${database}`;
  return url.href;
};

test.each(['sales', 'iot'])('the reader of %s can read that source', async (source) => {
  const [row] = await sql<{ db: string; role: string }>(
    ofReader(source),
    'select current_database() as db, current_user as role',
  );
  expect(row).toEqual({ db: source, role: `streamsync_reader_${source}` });
});

test.each([
  ['sales', 'streamsync'],
  ['sales', 'iot'],
  ['sales', 'postgres'],
  ['sales', 'template1'],
  ['iot', 'streamsync'],
  ['iot', 'sales'],
])(
  'the reader of %s cannot connect to %s, where its locks could block dispatch',
  async (source, other) => {
    await expect(
      sql(ofReader(source, other), 'select pg_advisory_lock(7001)'),
    ).rejects.toMatchObject({ code: '42501' });
  },
);

test('a reader cannot use the password of another source, write, or create tables', async () => {
  const url = new URL(ofReader('sales'));
  url.password = new URL(ofReader('iot')).password;
  await expect(sql(url.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  const writable = 'begin read write; ';
  for (const statement of [
    'create table made ()',
    'create temp table made ()',
    'delete from orders',
  ])
    await expect(sql(ofReader('sales'), writable + statement)).rejects.toMatchObject({
      code: '42501',
    });
});

test('the former reader of all sources cannot sign in, if a home still has it', async () => {
  const rows = await sql<{ rolcanlogin: boolean }>(
    sourceUrl('sales'),
    `select rolcanlogin from pg_roles where rolname = 'streamsync_reader'`,
  );
  expect(rows.filter(({ rolcanlogin }) => rolcanlogin)).toEqual([]);
});

test('a reader has as many connections as the budgets of its source and a reserve, and no more', async () => {
  const [role] = await sql<{ maxConnections: number }>(
    sourceUrl('iot'),
    `select rolconnlimit as "maxConnections" from pg_roles where rolname = 'streamsync_reader_iot'`,
  );
  const maxConnections = role?.maxConnections ?? 0;
  expect(maxConnections).toBeGreaterThan(8 + 6);
  const clients = Array.from({ length: maxConnections + 1 }, () => new pg.Client(ofReader('iot')));
  const opened = await Promise.allSettled(clients.map((client) => client.connect()));
  await Promise.all(clients.map((client) => client.end()));
  const failures = opened.filter((it) => it.status === 'rejected');
  expect(failures.length).toBeGreaterThanOrEqual(1);
  for (const { reason } of failures) expect(reason).toMatchObject({ code: '53300' });
});
