import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { type Health, healthSchema } from '../../lib/contracts/health.ts';
import { asDemo, call, download, ended, monthOfOrders } from '../stack/api.ts';
import { readStack, referenceCsv, sortedLines, sql, stack } from '../stack/stack.ts';
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
