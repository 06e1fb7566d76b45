import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { catalogue, transaction } from '../../lib/runtime/catalogue.ts';
import { home, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

beforeAll(async () => {
  Object.assign(process.env, {
    STREAMSYNC_URL: stack.url,
    STREAMSYNC_CATALOGUE_URL: stack.postgres.catalogue,
    STREAMSYNC_SOURCES: '{}',
    STREAMSYNC_KAFKA_BROKERS: stack.kafka.brokers.join(','),
    STREAMSYNC_S3_BUCKET: stack.s3.bucket,
    STREAMSYNC_TOKEN_SECRET: 'x'.repeat(32),
    STREAMSYNC_DOOR_SECRET: 'x'.repeat(32),
    STREAMSYNC_SIGNING_KEYS: await readFile(join(home(), 'signing-keys.json'), 'utf8'),
  });
});
afterAll(() => catalogue().end());

test('a connection that breaks between two statements of a transaction is an error and does not end the process', async () => {
  // PostgreSQL does this to a function that is frozen in a transaction for longer than its timeout.
  const outcome = transaction(async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = rows[0]?.pid;
    await sql(stack.postgres.catalogue, 'select pg_terminate_backend($1)', [pid]);
    await waitFor('the backend is gone', async () => {
      const left = await sql(
        stack.postgres.catalogue,
        'select 1 from pg_stat_activity where pid = $1',
        [pid],
      );
      return left.length === 0 ? true : undefined;
    });
    await client.query('select 1');
  });
  await expect(outcome).rejects.toThrow();
  expect((await catalogue().query<{ one: number }>('select 1 as one')).rows).toEqual([{ one: 1 }]);
});
