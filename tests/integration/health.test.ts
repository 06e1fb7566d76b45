import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { type Health, healthSchema } from '../../lib/contracts/health.ts';
import { advisoryLocks } from '../../lib/runtime/catalogue.ts';
import { asAdmin, call, createExport, ended, monthOfOrders } from '../support/api.ts';
import { idlePartition, produce, requested } from '../support/events.ts';
import { blockRelay } from '../support/relay-lock.ts';
import { readStack, sql, stack } from '../support/stack.ts';
import { freeze } from '../support/stack-processes.ts';
import { topicNames } from '../support/topic.ts';
import { waitFor } from '../support/wait-for.ts';

const catalogue = (text: string, values: unknown[] = []) =>
  sql<Record<string, unknown>>(stack.postgres.catalogue, text, values);

async function health(): Promise<Health> {
  const answer = await call('GET', '/health');
  expect(answer.status).toBe(200);
  return answer.json(healthSchema);
}

type Code = NonNullable<Health['problems']>[number]['code'];

const reportedProblem = (code: Code): Promise<string> =>
  waitFor(
    `health reports ${code}`,
    async () => (await health()).problems?.find((problem) => problem.code === code)?.message,
    { seconds: 30, everyMs: 300 },
  );

const resolvedProblem = (code: Code): Promise<true> =>
  waitFor(
    `health no longer reports ${code}`,
    async () =>
      ((await health()).problems ?? []).some((problem) => problem.code === code) ? undefined : true,
    { seconds: 60, everyMs: 300 },
  );

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

/** Opens a session of the catalogue that runs `text` and stays open until the end of the test. */
async function holding(text: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: stack.postgres.catalogue });
  await client.connect();
  undo.push(() => client.end());
  await client.query(text);
  return client;
}

/** Returns whether a worker has the unit of an export, or has had it. */
async function hasStarted(id: string): Promise<boolean> {
  const rows = await catalogue(
    `select 1 from units where export_id = $1 and state not in ('queued', 'dispatched')`,
    [id],
  );
  return rows.length > 0;
}

/** Stops processes of the stack until the end of the test. */
async function frozen(name: RegExp): Promise<void> {
  undo.push(await freeze(name));
}

test('health names every component', async () => {
  const { parts } = await health();
  expect(parts).toEqual({
    catalogue: { status: 'ok' },
    kafka: { status: 'ok' },
    storage: { status: 'ok' },
  });
});

describe('health problems', () => {
  test('health reports messages that are not sent', async () => {
    const relay = await blockRelay(stack.postgres.catalogue);
    undo.push(relay.release);
    const { id } = await createExport(monthOfOrders);
    await catalogue(
      `update outbox set created_at = now() - interval '90 seconds' where sent_at is null`,
    );
    expect(await reportedProblem('outbox_waiting')).toMatch(/the oldest for 1 minute/);
    await relay.release();
    await ended(id);
    await resolvedProblem('outbox_waiting');
  });

  test('health reports messages that Kafka rejected', async () => {
    await catalogue(
      `insert into outbox (event_id, topic, failed_at) values (gen_random_uuid(), 'nowhere', now())`,
    );
    undo.push(() => catalogue(`delete from outbox where topic = 'nowhere'`));
    expect(await reportedProblem('outbox_set_aside')).toMatch(/set aside/);
  });

  test('health reports exports that could run but are not dispatched, and no others', async () => {
    const dispatch = await holding(`select pg_advisory_lock(${advisoryLocks.dispatch})`);
    const { id } = await createExport(monthOfOrders);
    await catalogue(
      `update units set created_at = now() - interval '3 minutes', not_before = now() - interval '3 minutes'
       where export_id = $1`,
      [id],
    );
    await catalogue(`update slots set last_used_at = now() - interval '2 minutes'`);
    await catalogue(
      `update attempts set ended_at = ended_at - interval '1 minute' where ended_at > now() - interval '1 minute'`,
    );
    expect(await reportedProblem('exports_waiting')).toBe(
      'An export could run but has waited for 3 minutes.',
    );

    const pause = '/sources/sales/pause';
    await call('POST', pause, { headers: asAdmin, body: { reason: 'a test' } });
    undo.push(() => call('DELETE', pause, { headers: asAdmin }));
    await resolvedProblem('exports_waiting');
    await call('DELETE', pause, { headers: asAdmin });
    await reportedProblem('exports_waiting');

    await dispatch.query(`select pg_advisory_unlock(${advisoryLocks.dispatch})`);
    expect((await ended(id)).status).toBe('ready');
    await resolvedProblem('exports_waiting');
  });

  test('health reports workers that do not start', async () => {
    await ended((await createExport(monthOfOrders)).id);
    const id = await waitFor('a unit waits for workers that do not run', async () => {
      // A worker that has just started in place of another may not be known yet, and takes the unit.
      await frozen(/^export-worker-/);
      const created = await createExport(monthOfOrders);
      const isWaiting = await waitFor('the unit is dispatched', async () => {
        const rows = await catalogue(
          `update outbox o set sent_at = now() - interval '40 seconds' from units u
           where u.export_id = $1 and u.state = 'dispatched' and o.dispatch_id = u.dispatch_id
             and o.sent_at is not null returning o.id`,
          [created.id],
        );
        return rows.length > 0 || ((await hasStarted(created.id)) ? false : undefined);
      });
      await setTimeout(1_000);
      return isWaiting && !(await hasStarted(created.id)) ? created.id : undefined;
    });
    expect(await reportedProblem('workers_away')).toMatch(/dispatched 4\d seconds ago/);
    for (const step of undo.splice(0)) await step();
    expect((await ended(id)).status).toBe('ready');
    await resolvedProblem('workers_away');
  });

  test('health reports a sweep that does not run', async () => {
    // The sweep runs every five seconds; this lock keeps it from recording its pass.
    await waitFor('the sweep cannot record its pass', async () => {
      await catalogue(`update sweep_passes set ended_at = now() - interval '5 minutes'`);
      const client = await holding('begin; lock table sweep_passes in share mode');
      const { rows } = await client.query(
        `select 1 from sweep_passes where ended_at < now() - interval '4 minutes'`,
      );
      if (rows.length > 0) return true;
      await client.query('rollback');
      return undefined;
    });
    expect(await reportedProblem('sweep_away')).toMatch(/has not run for 5 minutes/);
    for (const step of undo.splice(0)) await step();
    await resolvedProblem('sweep_away');
  });

  test('health reports closed slots', async () => {
    await catalogue(
      `update slots set closed_until = now() + interval '1 minute', closed_offset = 9000000000
       where partition in (0, 1)`,
    );
    undo.push(() => catalogue('update slots set closed_until = null, closed_offset = null'));
    expect(await reportedProblem('slots_closed')).toMatch(/^2 of 4 slots are closed/);
    for (const step of undo.splice(0)) await step();
    await resolvedProblem('slots_closed');
  });

  test('health reports requests by event that are not handled', async () => {
    const topic = 'exports.requested';
    const old = () => ({
      value: JSON.stringify(requested({ unknown: 'field' })),
      timestamp: String(Date.now() - 5 * 60_000),
    });
    // A younger message hides an older one of its partition, so the last message of other tests must be two minutes
    // old.
    const partition = await waitFor(
      'a partition has been idle for two minutes',
      () => idlePartition(topic),
      {
        seconds: 150,
        everyMs: 1_000,
      },
    );
    await produce(topic, [{ ...old(), partition }]);
    // The function starts on demand, as on Lambda.
    await waitFor('the function has an instance', async () =>
      (await readStack()).processes.find(({ name }) => name.startsWith('accept-export-request-')),
    );
    await resolvedProblem('consumers_behind');
    await frozen(/^accept-export-request-/);
    await produce(topic, [{ ...old(), partition }]);
    expect(await reportedProblem('consumers_behind')).toMatch(/exports\.requested/);
    for (const step of undo.splice(0)) await step();
    await resolvedProblem('consumers_behind');
  });

  test('health reports readings that are not stored, and readings that are not sent to the pages', async () => {
    // A pipeline's topic: few suites send messages to it. A stack of `npm start` has only the other.
    const topic = (await topicNames()).includes('weather.stations')
      ? 'weather.stations'
      : 'readings';
    const old = () => ({ value: 'not a measurement', timestamp: String(Date.now() - 5 * 60_000) });
    const partition = await waitFor(
      'a partition has been idle for two minutes',
      () => idlePartition(topic),
      { seconds: 150, everyMs: 1_000 },
    );
    await produce(topic, [{ ...old(), partition }]);
    await waitFor('both functions have an instance', async () => {
      const names = (await readStack()).processes.map(({ name }) => name);
      const runs = (start: string) => names.some((name) => name.startsWith(start));
      return runs('ingest-readings-') && runs('live-fanout-') ? true : undefined;
    });
    await resolvedProblem('readings_delayed');
    await frozen(/^(ingest-readings|live-fanout)-/);
    await produce(topic, [{ ...old(), partition }]);
    expect(await reportedProblem('readings_delayed')).toMatch(
      new RegExp(`topic ${topic} wait for more than 1 minute to be stored`),
    );
    expect(await reportedProblem('live_delayed')).toMatch(
      new RegExp(`topic ${topic} wait for more than 15 seconds to be sent`),
    );
    for (const step of undo.splice(0)) await step();
    await resolvedProblem('readings_delayed');
    await resolvedProblem('live_delayed');
  });

  test('health reports many messages that cannot be processed', async () => {
    undo.push(() =>
      catalogue(
        `update outbox set created_at = created_at - interval '1 hour' where topic like '%.dlq'`,
      ),
    );
    await produce(
      'exports.requested',
      Array.from({ length: 20 }, () => ({ value: 'no JSON' })),
    );
    expect(await reportedProblem('dead_letters')).toMatch(/could not be processed/);
  });

  test('health reports many records that are not readings, and not as messages of exports', async () => {
    const makeOld = () =>
      catalogue(
        `update outbox set created_at = created_at - interval '1 hour' where topic like '%.dlq'`,
      );
    await makeOld();
    await resolvedProblem('dead_letters');
    await resolvedProblem('readings_rejected');
    undo.push(makeOld);
    await produce(
      'readings',
      Array.from({ length: 20 }, () => ({ value: 'no reading' })),
    );
    expect(await reportedProblem('readings_rejected')).toMatch(/could not be read/);
    const codes = (await health()).problems?.map(({ code }) => code);
    expect(codes).not.toContain('dead_letters');
    await makeOld();
    await resolvedProblem('readings_rejected');
  });
});

test('health answers 300 concurrent calls, at worst with the time after which to call again', async () => {
  const answers = await Promise.all(Array.from({ length: 300 }, () => call('GET', '/health')));
  const later = answers.filter(({ status }) => status !== 200);
  for (const { status, headers } of later) {
    expect(status).toBe(429);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect(later.length).toBeLessThan(answers.length);
  expect((await call('GET', '/health')).status).toBe(200);
});

test('health answers 503 while the catalogue is away, and recovers with it', async () => {
  const backends = await catalogue(
    `select pid from pg_stat_activity where datname = 'streamsync' and pid <> pg_backend_pid()`,
  );
  await frozen(/^postgres$/);
  undo.push(() => {
    for (const { pid } of backends) process.kill(Number(pid), 'SIGCONT');
  });
  for (const { pid } of backends) process.kill(Number(pid), 'SIGSTOP');
  const answer = await waitFor('health answers with an error', async () => {
    const now = await call('GET', '/health');
    return now.status === 200 ? undefined : now;
  });
  expect(answer.problem()).toMatchObject({ status: 503, detail: 'The catalogue does not answer.' });
  expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
  for (const step of undo.splice(0).toReversed()) await step();
  await waitFor('health answers 200 again', async () =>
    (await call('GET', '/health')).status === 200 ? true : undefined,
  );
});
