import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { call, monthOfOrders } from '../stack/api.ts';
import { follow } from '../stack/events.ts';
import { StartedStack } from '../stack/processes.ts';
import { toldOf } from '../stack/proof.ts';
import { holdRelay } from '../stack/relay-lock.ts';
import { sql, stackSchema } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

/**
 * Parts whose death ends the stack: on a stack of its own, which is started again. What was accepted is
 * made, and told of, once.
 */
const rows = 1_500;
let home = '';
let running: StartedStack | undefined;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'streamsync-test-restart-'));
});
afterAll(async () => {
  if (running?.process.exitCode === null && running.process.kill('SIGTERM')) await running.ended;
  await rm(home, { recursive: true, force: true });
});

async function start() {
  running = new StartedStack(home);
  await running.ready();
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(join(home, name), 'utf8'));
  const own = stackSchema.parse(await read('stack.json'));
  const { demo } = z
    .object({ demo: z.object({ apiKey: z.string() }) })
    .parse(await read('credentials.json'));
  const asOwner = { 'x-api-key': demo.apiKey };
  return {
    ...own,
    kill: (name: string): void => {
      const pid = own.processes.find((it) => it.name === name)?.pid;
      if (pid === undefined) throw new Error(`there is no process ${name}`);
      process.kill(pid, 'SIGKILL');
    },
    ask: async (body: object) => {
      const answer = await call('POST', `${own.api}/exports`, { headers: asOwner, body });
      expect(answer.status).toBe(202);
      return answer.json(exportDocumentSchema).id;
    },
    end: (id: string) =>
      until(
        'the export ends',
        async () => {
          const answer = await call('GET', `${own.api}/exports/${id}`, { headers: asOwner });
          const document = answer.json(exportDocumentSchema);
          return ['ready', 'failed'].includes(document.status) ? document : undefined;
        },
        { seconds: 90 },
      ),
    fetch: (id: string) =>
      call('GET', `${own.api}/exports/${id}/file`, { headers: asOwner, redirect: 'follow' }),
  };
}

async function endedNaming(part: string): Promise<void> {
  expect(await running?.ended).toBe(1);
  expect(running?.output).toMatch(new RegExp(`${part} ended unexpectedly`));
}

/** The events about an export, each once, after repeats by id are dropped. */
async function told(brokers: string[], id: string): Promise<string[]> {
  const results = await follow('exports.results', brokers);
  try {
    await until('it is told of', async () => (toldOf(results, id).length >= 2 ? true : undefined));
    return toldOf(results, id);
  } finally {
    await results.close();
  }
}

test('the API is killed between its commit and the relay; Kafka in the middle of an export', async () => {
  const first = await start();
  const relay = await holdRelay(first.postgres.catalogue);
  const unsent = await first.ask(monthOfOrders);
  const waiting = await sql(first.postgres.catalogue, 'select 1 from outbox where sent_at is null');
  expect(waiting.length).toBeGreaterThanOrEqual(2);
  first.kill('functions');
  await endedNaming('functions');
  await relay.release();

  const second = await start();
  expect((await second.end(unsent)).status).toBe('ready');

  const sales = second.postgres.sources.sales ?? '';
  await sql(
    sales,
    `create view slow_rows as
       select n as id, pg_sleep(0.001)::text as nothing from generate_series(1, ${rows}) n`,
  );
  const interrupted = await second.ask({ sources: ['sales'], dataset: 'slow_rows', format: 'csv' });
  await until('it is being read', async () => {
    const reading = await sql(
      sales,
      `select 1 from pg_stat_activity where query like 'copy%slow_rows%' and state = 'active'`,
    );
    return reading.length > 0 ? true : undefined;
  });
  second.kill('kafka');
  await endedNaming('kafka');

  const third = await start();
  const document = await third.end(interrupted);
  expect(document).toMatchObject({ status: 'ready', file: { rows } });
  const lines = (await third.fetch(interrupted)).bytes.toString().trimEnd().split('\n');
  expect(lines.slice(1).map((line) => Number.parseInt(line, 10))).toEqual(
    Array.from({ length: rows }, (_, n) => n + 1),
  );
  for (const id of [unsent, interrupted])
    expect(await told(third.kafka.brokers, id)).toEqual(['accepted', 'completed']);
});
