import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { type Health, healthSchema } from '../../lib/contracts/health.ts';
import { newAccount } from '../stack/accounts.ts';
import { asDemo, call, download, ended, monthOfOrders } from '../stack/api.ts';
import { follow } from '../stack/events.ts';
import { readStack, referenceCsv, sortedLines, sql, stack } from '../stack/stack.ts';
import { limitMessages } from '../stack/topic.ts';
import { until } from '../stack/until.ts';

async function pidOf(name: string): Promise<number> {
  const found = (await readStack()).processes.find((process) => process.name === name);
  if (!found) throw new Error(`the stack has no process ${name}`);
  return found.pid;
}

/** The answer in which health tells of it; everything else goes on, so it is 200. */
const healthTelling = (code: string): Promise<Health> =>
  until(
    `health tells of ${code}`,
    async () => {
      const answer = await call('GET', '/health');
      expect(answer.status).toBe(200);
      const health = answer.json(healthSchema);
      expect(health.status).toBe(health.problems === undefined ? 'ok' : 'degraded');
      return health.problems?.some((problem) => problem.code === code) ? health : undefined;
    },
    { seconds: 20 },
  );

test('with Kafka away an export is accepted all the same, and made when Kafka is back', async () => {
  const broker = await pidOf('kafka');
  process.kill(broker, 'SIGSTOP');
  let id = '';
  try {
    const asked = performance.now();
    const answer = await call('POST', '/exports', { headers: asDemo, body: monthOfOrders });
    expect(answer.status).toBe(202);
    // The wait for the relay is 300 ms; the rest is the machine's. Without its end it would be 10 s.
    expect(performance.now() - asked).toBeLessThan(5_000);
    const document = answer.json(exportDocumentSchema);
    expect(document.status).toBe('queued');
    id = document.id;
    const health = await healthTelling('kafka_down');
    expect(health.parts).toMatchObject({ catalogue: { status: 'ok' }, kafka: { status: 'down' } });
    // As if it had been away for a while: what is waiting is told as well.
    await sql(
      stack.postgres.catalogue,
      `update outbox set created_at = now() - interval '40 seconds' where sent_at is null`,
    );
    await healthTelling('outbox_waiting');
    // In the long form it stays away for a minute.
    if (process.env.STREAMSYNC_TEST_LONG === '1') await setTimeout(60_000);
  } finally {
    process.kill(broker, 'SIGCONT');
  }
  expect((await ended(id, 130)).status).toBe('ready');
  const reference = await referenceCsv(
    'sales',
    `select * from orders where ordered_at >= '2024-03-01' and ordered_at < '2024-04-01'`,
  );
  expect(sortedLines((await download(id)).bytes)).toBe(sortedLines(reference));
});

test('a backlog from a time without Kafka drains, with large requests in it', async () => {
  const long = process.env.STREAMSYNC_TEST_LONG === '1';
  const count = long ? 450 : 24;
  const value = Array.from({ length: 70 }, (_, n) => `${n}`.padEnd(100, 'x'));
  const body = {
    ...monthOfOrders,
    columns: ['id'],
    where: [{ column: 'status', op: 'in', value: ['shipped', ...value] }],
  };
  const asked = Date.now();
  const broker = await pidOf('kafka');
  process.kill(broker, 'SIGSTOP');
  const ids: string[] = [];
  try {
    const answers = await Promise.all(
      Array.from({ length: 8 }, async (_, n) => {
        // No account may let so many wait.
        const headers = long ? (await newAccount()).byKey : asDemo;
        for (let nth = n; nth < count; nth += 8) {
          const answer = await call('POST', '/exports', { headers, body });
          ids.push(answer.json(exportDocumentSchema).id);
        }
      }),
    );
    expect(answers).toHaveLength(8);
    await setTimeout(long ? Math.max(0, 65_000 - (Date.now() - asked)) : 0);
  } finally {
    process.kill(broker, 'SIGCONT');
  }
  const back = performance.now();
  await until(
    'all of them are ready, and all events are sent',
    async () => {
      const [row] = await sql<{ ready: number; unsent: number }>(
        stack.postgres.catalogue,
        `select (select count(*) from exports where id = any($1::uuid[]) and state = 'ready')::int as ready,
           (select count(*) from outbox where sent_at is null and failed_at is null)::int as unsent`,
        [ids],
      );
      return row?.ready === count && row.unsent === 0 ? true : undefined;
    },
    { seconds: long ? 1_200 : 180, everyMilliseconds: 500 },
  );
  console.info(
    `${count} exports ready ${((performance.now() - back) / 1_000).toFixed(1)} s after Kafka was back`,
  );
});

test('an event that Kafka does not take goes in its short form, in its place', async () => {
  const results = await follow('exports.results');
  // The event of such a request has some 3.5 kB, its short form a third of that.
  const where = Array.from({ length: 50 }, () => ({
    column: 'status',
    op: 'isNull',
    value: false,
  }));
  await limitMessages('exports.results', 2_500);
  try {
    const answer = await call('POST', '/exports', {
      headers: asDemo,
      body: { ...monthOfOrders, columns: ['id'], where },
    });
    const { id } = answer.json(exportDocumentSchema);
    const events = await until('both events', async () => {
      const seen = results.messages.filter(({ key }) => String(key) === id);
      return seen.length >= 2 ? seen.map(({ value }) => JSON.parse(String(value))) : undefined;
    });
    expect(events.map(({ type }) => type)).toEqual([
      'streamsync.export.accepted.v1',
      'streamsync.export.completed.v1',
    ]);
    for (const { data } of events) {
      expect(data.id).toBe(id);
      expect(data.request).not.toHaveProperty('where');
      expect(data.request).toMatchObject({ sources: ['sales'], dataset: 'orders' });
    }
    const failed = await sql<{ failure: string }>(
      stack.postgres.catalogue,
      'delete from outbox where key = $1 and failed_at is not null returning failure',
      [Buffer.from(id)],
    );
    expect(failed).toHaveLength(2);
    expect(failed[0]?.failure).toMatch(/MESSAGE_TOO_LARGE.*a short form was sent in its place/);
  } finally {
    await limitMessages('exports.results', undefined);
    await results.close();
  }
});

test('with the object storage away for some seconds an export waits for it, and is whole', async () => {
  const storage = await pidOf('localstack');
  process.kill(storage, 'SIGSTOP');
  let id = '';
  try {
    const answer = await call('POST', '/exports', { headers: asDemo, body: monthOfOrders });
    id = answer.json(exportDocumentSchema).id;
    const health = await healthTelling('storage_down');
    expect(health.parts).toMatchObject({ kafka: { status: 'ok' }, storage: { status: 'down' } });
  } finally {
    process.kill(storage, 'SIGCONT');
  }
  const document = await ended(id, 100);
  expect(document.status).toBe('ready');
  expect((await download(id)).bytes.length).toBe(document.file?.bytes);
});

test('with the functions away a download is refused, cache or not, and nothing leaks', async () => {
  const { json } = await call('POST', '/exports', { headers: asDemo, body: monthOfOrders });
  const { id } = json(exportDocumentSchema);
  await ended(id);
  const ticket = await call('GET', `/exports/${id}/file`, { headers: asDemo });
  const url = ticket.headers.get('location') ?? '';
  const warm = await call('GET', url, { headers: asDemo });
  expect(warm.status).toBe(200);
  const functions = await pidOf('functions');
  process.kill(functions, 'SIGSTOP');
  try {
    const answer = await call('GET', url, { headers: asDemo });
    expect(answer.problem()).toMatchObject({ status: 503, code: 'unavailable' });
    expect(answer.bytes.includes('customer_id')).toBe(false);
  } finally {
    process.kill(functions, 'SIGCONT');
  }
  expect((await call('GET', url, { headers: asDemo })).bytes.equals(warm.bytes)).toBe(true);
});
