import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { call, monthOfOrders } from '../support/api.ts';
import { consume } from '../support/events.ts';
import { resultEventsOf } from '../support/export-invariants.ts';
import { StartedStack } from '../support/processes.ts';
import { blockRelay } from '../support/relay-lock.ts';
import { sql } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/**
 * Kills processes whose end stops the stack, on a stack of its own that is started again. Accepted exports become
 * ready, and are reported once.
 */
const rows = 1_500;
let home = '';
let running: StartedStack | undefined;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'streamsync-test-restart-'));
});
afterAll(async () => {
  await running?.stop();
  await rm(home, { recursive: true, force: true });
});

async function start() {
  running = new StartedStack(home);
  const { asDemo: asOwner, ...own } = await running.details();
  return {
    ...own,
    kill: (name: string): void => {
      const pid = own.processes.find((it) => it.name === name)?.pid;
      if (pid === undefined) throw new Error(`stack.json names no process ${name}`);
      process.kill(pid, 'SIGKILL');
    },
    ask: async (body: object) => {
      const answer = await call('POST', `${own.api}/exports`, { headers: asOwner, body });
      expect(answer.status).toBe(202);
      return answer.json(exportDocumentSchema).id;
    },
    end: (id: string) =>
      waitFor(
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

/** Returns the types of the result events of an export, without repeats of one id. */
async function resultsAbout(brokers: string[], id: string): Promise<string[]> {
  const results = await consume('exports.results', brokers);
  try {
    await waitFor('both result events arrive', async () =>
      resultEventsOf(results, id).length >= 2 ? true : undefined,
    );
    return resultEventsOf(results, id);
  } finally {
    await results.close();
  }
}

test('exports are ready after a kill of the API between commit and relay, and of Kafka during an export', async () => {
  const first = await start();
  const relay = await blockRelay(first.postgres.catalogue);
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
  await waitFor('the export is being read', async () => {
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
    expect(await resultsAbout(third.kafka.brokers, id)).toEqual(['accepted', 'completed']);
});
