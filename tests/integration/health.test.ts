import { afterEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { type Health, healthSchema } from '../../lib/contracts/health.ts';
import { locks } from '../../lib/runtime/catalogue.ts';
import { asAdmin, call, createExport, ended, monthOfOrders } from '../stack/api.ts';
import { produce, requested, restingPartition } from '../stack/events.ts';
import { holdRelay } from '../stack/relay-lock.ts';
import { readStack, sql, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

const catalogue = (text: string, values: unknown[] = []) =>
  sql<Record<string, unknown>>(stack.postgres.catalogue, text, values);

async function health(): Promise<Health> {
  const answer = await call('GET', '/health');
  expect(answer.status).toBe(200);
  return answer.json(healthSchema);
}

type Code = NonNullable<Health['problems']>[number]['code'];

const told = (code: Code): Promise<string> =>
  until(
    `health tells of ${code}`,
    async () => (await health()).problems?.find((problem) => problem.code === code)?.message,
    { seconds: 30, everyMilliseconds: 300 },
  );

const over = (code: Code): Promise<true> =>
  until(
    `health tells no more of ${code}`,
    async () =>
      ((await health()).problems ?? []).some((problem) => problem.code === code) ? undefined : true,
    { seconds: 60, everyMilliseconds: 300 },
  );

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

/** A session of the catalogue that holds something until the end of the test. */
async function holding(text: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: stack.postgres.catalogue });
  await client.connect();
  undo.push(() => client.end());
  await client.query(text);
  return client;
}

async function freeze(name: RegExp): Promise<void> {
  const pids = (await readStack()).processes.flatMap((it) => (name.test(it.name) ? [it.pid] : []));
  expect(pids).not.toEqual([]);
  undo.push(() => {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  });
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
}

test('every part is named', async () => {
  const { parts } = await health();
  expect(parts).toEqual({
    catalogue: { status: 'ok' },
    kafka: { status: 'ok' },
    storage: { status: 'ok' },
  });
});

describe('health tells of', () => {
  test('messages that are not sent', async () => {
    const relay = await holdRelay(stack.postgres.catalogue);
    undo.push(relay.release);
    const { id } = await createExport(monthOfOrders);
    await catalogue(
      `update outbox set created_at = now() - interval '90 seconds' where sent_at is null`,
    );
    expect(await told('outbox_waiting')).toMatch(/the oldest for 1 minute/);
    await relay.release();
    await ended(id);
    await over('outbox_waiting');
  });

  test('messages that were set aside', async () => {
    await catalogue(
      `insert into outbox (event_id, topic, failed_at) values (gen_random_uuid(), 'nowhere', now())`,
    );
    undo.push(() => catalogue(`delete from outbox where topic = 'nowhere'`));
    expect(await told('outbox_set_aside')).toMatch(/set aside/);
  });

  test('exports that could run and are not given out, and not of those that may not', async () => {
    const dispatch = await holding(`select pg_advisory_lock(${locks.dispatch})`);
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
    expect(await told('exports_waiting')).toBe(
      'An export that could run has waited for 3 minutes.',
    );

    const pause = '/sources/sales/pause';
    await call('POST', pause, { headers: asAdmin, body: { reason: 'a test' } });
    undo.push(() => call('DELETE', pause, { headers: asAdmin }));
    await over('exports_waiting');
    await call('DELETE', pause, { headers: asAdmin });
    await told('exports_waiting');

    await dispatch.query(`select pg_advisory_unlock(${locks.dispatch})`);
    expect((await ended(id)).status).toBe('ready');
    await over('exports_waiting');
  });

  test('workers that do not begin', async () => {
    await ended((await createExport(monthOfOrders)).id);
    await freeze(/^export-worker-/);
    const { id } = await createExport(monthOfOrders);
    await until('it is handed out', async () => {
      const rows = await catalogue(
        `update outbox o set sent_at = now() - interval '40 seconds' from units u
         where u.export_id = $1 and u.state = 'dispatched' and o.dispatch_id = u.dispatch_id
           and o.sent_at is not null returning o.id`,
        [id],
      );
      return rows[0];
    });
    expect(await told('workers_away')).toMatch(/handed out 4\d seconds ago/);
    for (const step of undo.splice(0)) await step();
    expect((await ended(id)).status).toBe('ready');
    await over('workers_away');
  });

  test('a sweep that does not come by', async () => {
    // It comes by every few seconds: this one is to find the door shut.
    await until('the sweep cannot tell that it was there', async () => {
      await catalogue(`update sweep_passes set ended_at = now() - interval '5 minutes'`);
      const client = await holding('begin; lock table sweep_passes in share mode');
      const { rows } = await client.query(
        `select 1 from sweep_passes where ended_at < now() - interval '4 minutes'`,
      );
      if (rows.length > 0) return true;
      await client.query('rollback');
      return undefined;
    });
    expect(await told('sweep_away')).toMatch(/has not run for 5 minutes/);
    for (const step of undo.splice(0)) await step();
    await over('sweep_away');
  });

  test('slots that are closed', async () => {
    await catalogue(
      `update slots set closed_until = now() + interval '1 minute', closed_offset = 9000000000
       where partition in (0, 1)`,
    );
    undo.push(() => catalogue('update slots set closed_until = null, closed_offset = null'));
    expect(await told('slots_closed')).toMatch(/^2 of 4 slots are closed/);
    for (const step of undo.splice(0)) await step();
    await over('slots_closed');
  });

  test('requests by event that nobody works off', async () => {
    const topic = 'exports.requested';
    const old = () => ({
      value: JSON.stringify(requested({ nothing: 'of use' })),
      timestamp: String(Date.now() - 5 * 60_000),
    });
    // Behind a younger message none is found to be old: what other tests sent has to be two minutes ago.
    const partition = await until('a partition is at rest', () => restingPartition(topic), {
      seconds: 150,
      everyMilliseconds: 1_000,
    });
    await produce(topic, [{ ...old(), partition }]);
    // On demand, as on Lambda.
    await until('the function has an instance', async () =>
      (await readStack()).processes.find(({ name }) => name.startsWith('accept-export-request-')),
    );
    await over('consumers_behind');
    await freeze(/^accept-export-request-/);
    await produce(topic, [{ ...old(), partition }]);
    expect(await told('consumers_behind')).toMatch(/exports\.requested/);
    for (const step of undo.splice(0)) await step();
    await over('consumers_behind');
  });

  test('many messages that cannot be processed', async () => {
    undo.push(() =>
      catalogue(
        `update outbox set created_at = created_at - interval '1 hour' where topic like '%.dlq'`,
      ),
    );
    await produce(
      'exports.requested',
      Array.from({ length: 20 }, () => ({ value: 'no JSON' })),
    );
    expect(await told('dead_letters')).toMatch(/could not be processed/);
  });
});

test('three hundred who ask at once are answered', async () => {
  const answers = await Promise.all(
    Array.from({ length: 300 }, () => fetch(`${stack.api}/health`).then(({ status }) => status)),
  );
  expect(new Set(answers)).toEqual(new Set([200]));
});

test('without the catalogue nothing works, and health is 503', async () => {
  const backends = await catalogue(
    `select pid from pg_stat_activity where datname = 'streamsync' and pid <> pg_backend_pid()`,
  );
  await freeze(/^postgres$/);
  undo.push(() => {
    for (const { pid } of backends) process.kill(Number(pid), 'SIGCONT');
  });
  for (const { pid } of backends) process.kill(Number(pid), 'SIGSTOP');
  const answer = await until('health is refused', async () => {
    const now = await call('GET', '/health');
    return now.status === 200 ? undefined : now;
  });
  expect(answer.problem()).toMatchObject({ status: 503, detail: 'Not answering: catalogue.' });
  expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
  for (const step of undo.splice(0).toReversed()) await step();
  await until('it answers again', async () =>
    (await call('GET', '/health')).status === 200 ? true : undefined,
  );
});
