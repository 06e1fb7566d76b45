import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { type Health, healthSchema } from '../../lib/contracts/health.ts';
import { newAccount } from '../support/accounts.ts';
import { asDemo, call, download, ended, monthOfOrders } from '../support/api.ts';
import { consume } from '../support/events.ts';
import { simulate } from '../support/simulate.ts';
import { referenceCsv, sortedLines, sql, stack } from '../support/stack.ts';
import { pidOf } from '../support/stack-processes.ts';
import { limitMessages } from '../support/topic.ts';
import { waitFor } from '../support/wait-for.ts';

/** Waits until health reports `code`, and returns the health. Its status is 200, because all other components work. */
const healthReporting = (code: string): Promise<Health> =>
  waitFor(
    `health reports ${code}`,
    async () => {
      const answer = await call('GET', '/health');
      expect(answer.status).toBe(200);
      const health = answer.json(healthSchema);
      expect(health.status).toBe(health.problems === undefined ? 'ok' : 'degraded');
      return health.problems?.some((problem) => problem.code === code) ? health : undefined;
    },
    { seconds: 20 },
  );

test('an export is accepted while Kafka is down, and ready after Kafka is back', async () => {
  const broker = await pidOf('kafka');
  const simulator = simulate('--series 2 --rate 5');
  const simulatorPrints = (line: RegExp) =>
    waitFor(`the simulator prints ${line}`, async () => line.exec(simulator.printed())?.[0]);
  await simulatorPrints(/ [1-9] readings\/s/);
  process.kill(broker, 'SIGSTOP');
  let id = '';
  try {
    const requestedAt = performance.now();
    const answer = await call('POST', '/exports', { headers: asDemo, body: monthOfOrders });
    expect(answer.status).toBe(202);
    // The API waits 300 ms for the relay; the rest is the machine's. Without this limit it would wait 10 s.
    expect(performance.now() - requestedAt).toBeLessThan(5_000);
    const document = answer.json(exportDocumentSchema);
    expect(document.status).toBe('queued');
    id = document.id;
    // Readings have no outbox: the producer has to send them again.
    const reading = { series: 'broker-test', at: new Date().toISOString(), value: 1 };
    const refusing = call('POST', '/readings', { headers: asDemo, body: reading });
    const health = await healthReporting('kafka_down');
    expect(health.parts).toMatchObject({ catalogue: { status: 'ok' }, kafka: { status: 'down' } });
    // As if Kafka had been down for 40 s: health reports the waiting messages as well.
    await sql(
      stack.postgres.catalogue,
      `update outbox set created_at = now() - interval '40 seconds' where sent_at is null`,
    );
    await healthReporting('outbox_waiting');
    const refused = await refusing;
    expect([refused.status, refused.problem().code]).toEqual([503, 'unavailable']);
    expect(refused.headers.get('retry-after')).toBe('5');
    await simulatorPrints(/^Kafka does not answer, trying again/m);
    // In the long form Kafka stays down for a minute.
    if (process.env.STREAMSYNC_TEST_LONG === '1') await setTimeout(60_000);
  } finally {
    process.kill(broker, 'SIGCONT');
  }
  expect((await ended(id, 130)).status).toBe('ready');
  await simulatorPrints(/^Kafka answers again$[^]* [1-9]\d* readings\/s$/m);
  simulator.child.kill('SIGINT');
  expect(await simulator.ended).toBe(0);
  const reference = await referenceCsv(
    'sales',
    `select * from orders where ordered_at >= '2024-03-01' and ordered_at < '2024-04-01'`,
  );
  expect(sortedLines((await download(id)).bytes)).toBe(sortedLines(reference));
});

test('a backlog with large requests drains after Kafka is back', async () => {
  const long = process.env.STREAMSYNC_TEST_LONG === '1';
  const count = long ? 450 : 24;
  const value = Array.from({ length: 70 }, (_, n) => `${n}`.padEnd(100, 'x'));
  const body = {
    ...monthOfOrders,
    columns: ['id'],
    where: [{ column: 'status', op: 'in', value: ['shipped', ...value] }],
  };
  const requestedAt = Date.now();
  const broker = await pidOf('kafka');
  process.kill(broker, 'SIGSTOP');
  const ids: string[] = [];
  try {
    const answers = await Promise.all(
      Array.from({ length: 8 }, async (_, n) => {
        // The limit of waiting exports of one account is lower than that.
        const headers = long ? (await newAccount()).byKey : asDemo;
        for (let nth = n; nth < count; nth += 8) {
          const answer = await call('POST', '/exports', { headers, body });
          ids.push(answer.json(exportDocumentSchema).id);
        }
      }),
    );
    expect(answers).toHaveLength(8);
    await setTimeout(long ? Math.max(0, 65_000 - (Date.now() - requestedAt)) : 0);
  } finally {
    process.kill(broker, 'SIGCONT');
  }
  const backAt = performance.now();
  await waitFor(
    'all exports are ready and all events are sent',
    async () => {
      const [row] = await sql<{ ready: number; unsent: number }>(
        stack.postgres.catalogue,
        `select (select count(*) from exports where id = any($1::uuid[]) and state = 'ready')::int as ready,
           (select count(*) from outbox where sent_at is null and failed_at is null)::int as unsent`,
        [ids],
      );
      return row?.ready === count && row.unsent === 0 ? true : undefined;
    },
    { seconds: long ? 1_200 : 180, everyMs: 500 },
  );
  console.info(
    `${count} exports ready ${((performance.now() - backAt) / 1_000).toFixed(1)} s after Kafka was back`,
  );
});

test('an event that Kafka rejects as too large is sent in its short form, in its place', async () => {
  const results = await consume('exports.results');
  // The event of such a request has about 3.5 kB, its short form a third of that.
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
    const events = await waitFor('both events', async () => {
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

test('an export waits while the object storage is down, and its file is complete', async () => {
  const storage = await pidOf('localstack');
  process.kill(storage, 'SIGSTOP');
  let id = '';
  try {
    const answer = await call('POST', '/exports', { headers: asDemo, body: monthOfOrders });
    id = answer.json(exportDocumentSchema).id;
    const health = await healthReporting('storage_down');
    expect(health.parts).toMatchObject({ kafka: { status: 'ok' }, storage: { status: 'down' } });
  } finally {
    process.kill(storage, 'SIGCONT');
  }
  const document = await ended(id, 100);
  expect(document.status).toBe('ready');
  expect((await download(id)).bytes.length).toBe(document.file?.bytes);
});

test('a download is rejected while the authorizer does not answer, although the file is cached', async () => {
  const { json } = await call('POST', '/exports', { headers: asDemo, body: monthOfOrders });
  const { id } = json(exportDocumentSchema);
  await ended(id);
  const ticket = await call('GET', `/exports/${id}/file`, { headers: asDemo });
  const url = ticket.headers.get('location') ?? '';
  const cached = await call('GET', url, { headers: asDemo });
  expect(cached.status).toBe(200);
  const authorizer = await pidOf('download-authorizer');
  process.kill(authorizer, 'SIGSTOP');
  try {
    const answer = await call('GET', url, { headers: asDemo });
    expect(answer.problem()).toMatchObject({ status: 503, code: 'unavailable' });
    expect(answer.bytes.includes('customer_id')).toBe(false);
  } finally {
    process.kill(authorizer, 'SIGCONT');
  }
  expect((await call('GET', url, { headers: asDemo })).bytes.equals(cached.bytes)).toBe(true);
});
