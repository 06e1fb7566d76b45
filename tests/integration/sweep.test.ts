import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { transaction } from '../../lib/runtime/catalogue.ts';
import { claimUnit } from '../../lib/scheduling/claim.ts';
import { CancelledError, FencedError, Lease } from '../../lib/scheduling/lease.ts';
import { sweepOnce } from '../../lib/scheduling/sweep.ts';
import { failUnit, retryUnit, yieldUnit } from '../../lib/scheduling/unit-transitions.ts';
import { OwnCatalogue } from '../support/own-catalogue.ts';
import { sql } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/**
 * Tests claim, lease, unit transitions and sweep on a catalogue of their own, whose server start time the tests set.
 */
let own: OwnCatalogue;
beforeAll(async () => {
  own = await OwnCatalogue.create({
    STREAMSYNC_SOURCES: JSON.stringify({ sales: { url: 'SOURCE' }, iot: { url: 'SOURCE' } }),
  });
  // Overrides the server's function on every new connection; open connections are terminated.
  await run(
    `create function public.pg_postmaster_start_time() returns timestamptz
       language sql return now() - interval '1 hour';
     do $$ begin execute format('alter database %I set search_path = public, pg_catalog', current_database()); end $$;
     select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'streamsync'`,
  );
});
afterAll(() => own.drop());
afterEach(() => own.clear());

const run = (text: string, values: unknown[] = []) => sql(own.url, text, values);
const serverStarted = (secondsAgo: number) =>
  run(
    `create or replace function public.pg_postmaster_start_time() returns timestamptz
       language sql return now() - interval '${secondsAgo} seconds'`,
  );

interface Unit {
  id: string;
  export_id: string;
  state: string;
  attempt_id: string | null;
  dispatch_id: string | null;
  lost_attempts: number;
}
async function unitOf(exportId: string): Promise<Unit> {
  const [unit] = await sql<Unit>(own.url, 'select * from units where export_id = $1', [exportId]);
  if (!unit) throw new Error('the export has no unit');
  return unit;
}
const exportOf = async (id: string) =>
  (
    await sql<{ state: string; error_code: string | null; object_deleted_at: Date | null }>(
      own.url,
      'select state, error_code, object_deleted_at from exports where id = $1',
      [id],
    )
  )[0];

const attemptsOf = ({ export_id }: Unit) =>
  sql<{ state: string; ended: boolean }>(
    own.url,
    'select state, ended_at is not null as ended from attempts where export_id = $1 order by state',
    [export_id],
  );
const lostAttempt = { state: 'lost', ended: true };

/** Creates an export of one unit with a running attempt that has this lease. */
async function createRunning({ leaseSeconds = 20, lost = 0 } = {}): Promise<Unit> {
  const id = await own.addExport({ owner: 'a' });
  await run(
    `with attempt as (
       insert into attempts (id, unit_id, export_id, partition, "offset", object_key)
       select gen_random_uuid(), id, export_id, 0, 7, 'x/' || id from units where export_id = $1
       returning id, unit_id)
     update units u set state = 'running', attempt_id = attempt.id, dispatch_id = gen_random_uuid(), partition = 0,
       "offset" = 7, lease_until = now() + make_interval(secs => $2), lost_attempts = $3
     from attempt where u.id = attempt.unit_id`,
    [id, leaseSeconds, lost],
  );
  await run(`update exports set state = 'running' where id = $1`, [id]);
  return unitOf(id);
}

/** The redelivery of the record that a unit runs from. */
const delivery = ({ id, dispatch_id }: Unit) => ({
  unitId: id,
  dispatchId: dispatch_id ?? '',
  partition: 0,
  offset: 7,
});
/** The end of a claim that does not wait. */
const atOnce = () => performance.now();

describe('attempts without a heartbeat', () => {
  test('an attempt without a heartbeat is lost and its unit requeued; after ten of them the export fails', async () => {
    const ninth = await createRunning({ leaseSeconds: -1, lost: 8 });
    const tenth = await createRunning({ leaseSeconds: -1, lost: 9 });
    const alive = await createRunning({ lost: 9 });
    await sweepOnce();
    expect(await exportOf(ninth.export_id)).toMatchObject({ error_code: null });
    expect(await unitOf(ninth.export_id)).toMatchObject({ lost_attempts: 9, attempt_id: null });
    expect(await exportOf(tenth.export_id)).toMatchObject({
      state: 'failed',
      error_code: 'worker_lost',
    });
    expect(await unitOf(alive.export_id)).toEqual(alive);
    for (const unit of [ninth, tenth]) expect(await attemptsOf(unit)).toEqual([lostAttempt]);
    expect(await attemptsOf(alive)).toEqual([{ state: 'running', ended: false }]);
  });

  test('an attempt is lost by a redelivery as well; after ten of them the export fails', async () => {
    // The last heartbeat was 4 s ago.
    const ninth = await createRunning({ leaseSeconds: 16, lost: 8 });
    const tenth = await createRunning({ leaseSeconds: 16, lost: 9 });
    expect(await claimUnit(delivery(ninth), atOnce())).toMatchObject({ unitId: ninth.id });
    expect(await claimUnit(delivery(tenth), atOnce())).toBeUndefined();
    expect(await exportOf(tenth.export_id)).toMatchObject({
      state: 'failed',
      error_code: 'worker_lost',
    });
    const replacement = { state: 'running', ended: false };
    expect(await attemptsOf(ninth)).toEqual([lostAttempt, replacement]);
    expect(await attemptsOf(tenth)).toEqual([lostAttempt]);
  });

  test('a redelivery waits for an attempt that has heartbeats, and takes over when they are late', async () => {
    const alive = await createRunning();
    await expect(claimUnit(delivery(alive), atOnce())).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(await unitOf(alive.export_id)).toEqual(alive);
    expect(await attemptsOf(alive)).toEqual([{ state: 'running', ended: false }]);
    const waiting = claimUnit(delivery(alive), performance.now() + 30_000);
    expect(await waiting).toMatchObject({ unitId: alive.id });
    expect(await unitOf(alive.export_id)).toMatchObject({ lost_attempts: 1 });
    expect(await attemptsOf(alive)).toEqual([lostAttempt, { state: 'running', ended: false }]);
  });

  test('a redelivery is dropped when the attempt that it waited for has ended', async () => {
    const alive = await createRunning();
    const waiting = claimUnit(delivery(alive), performance.now() + 30_000);
    await run(`update units set state = 'done' where id = $1`, [alive.id]);
    expect(await waiting).toBeUndefined();
  });

  test('the sweep loses no attempt within 20 s after the start of the database', async () => {
    const dead = await createRunning({ leaseSeconds: -1 });
    await serverStarted(19);
    await sweepOnce();
    expect(await unitOf(dead.export_id)).toEqual(dead);
    await serverStarted(21);
    await sweepOnce();
    expect(await unitOf(dead.export_id)).toMatchObject({ lost_attempts: 1 });
  });
});

describe('fencing', () => {
  const failure = { code: 'internal', message: 'x' } as const;

  test('a finalize unit yields to its next attempt, but not after its export was cancelled', async () => {
    const unit = await createRunning();
    const ref = { unitId: unit.id, exportId: unit.export_id, attemptId: unit.attempt_id };
    const checkpoint = {
      phase: 'hash',
      objectKey: 'x',
      etag: 'y',
      verifiedRanges: 1,
      state: '',
    } as const;
    const yielding = () => transaction((client) => yieldUnit(client, ref, checkpoint));
    await run('update exports set cancel_requested_at = now() where id = $1', [unit.export_id]);
    await expect(yielding()).rejects.toThrow(CancelledError);
    expect(await unitOf(unit.export_id)).toEqual(unit);
    await run('update exports set cancel_requested_at = null where id = $1', [unit.export_id]);
    await yielding();
    expect(await unitOf(unit.export_id)).toMatchObject({ state: 'queued', attempt_id: null });
  });

  test('a fenced attempt cannot end its unit', async () => {
    const unit = await createRunning();
    const ending = (attemptId: string) =>
      transaction((client) =>
        failUnit(client, { unitId: unit.id, exportId: unit.export_id, attemptId }, failure),
      );
    await expect(ending(randomUUID())).rejects.toThrow(FencedError);
    expect(await unitOf(unit.export_id)).toEqual(unit);
    expect(await exportOf(unit.export_id)).toMatchObject({ state: 'running', error_code: null });
    // Nor can the current attempt end the unit if the unit is no longer running.
    await run(`update units set state = 'dispatched' where id = $1`, [unit.id]);
    await expect(ending(unit.attempt_id ?? '')).rejects.toThrow(FencedError);
    await run(`update units set state = 'running' where id = $1`, [unit.id]);
    await ending(unit.attempt_id ?? '');
    expect(await exportOf(unit.export_id)).toMatchObject({ state: 'failed' });
  });

  test('a retry of a cancelled unit cancels it', async () => {
    const unit = await createRunning();
    await run('update exports set cancel_requested_at = now()');
    const ending = { unitId: unit.id, exportId: unit.export_id, attemptId: unit.attempt_id };
    await transaction((client) => retryUnit(client, ending, failure, 1));
    expect(await exportOf(unit.export_id)).toMatchObject({ state: 'cancelled' });
    expect(await unitOf(unit.export_id)).toMatchObject({ state: 'cancelled' });
  });
});

describe('withdrawn rights', () => {
  const withdraw = [
    ['account', 'update accounts set disabled_at = now()'],
    ['grant', `delete from grants where source = 'iot'`],
  ];

  test.each(withdraw)(
    'after its %s is withdrawn, a dispatched unit is not claimed and fails',
    async (_name, text) => {
      const id = await own.addExport({ owner: 'a' });
      expect(await own.dispatchedOwners()).toEqual(['a']);
      await run(text);
      const unit = await unitOf(id);
      expect(await claimUnit(delivery(unit), atOnce())).toBeUndefined();
      expect(await exportOf(id)).toMatchObject({ state: 'failed', error_code: 'forbidden' });
    },
  );

  test.each(withdraw)(
    'after its %s is withdrawn, a running unit is stopped by the next heartbeat',
    async (_name, text) => {
      const unit = await createRunning();
      const noProgress = { rows: 0, bytes: 0 };
      const lease = new Lease(
        { attemptId: unit.attempt_id ?? '', otherUnits: noProgress },
        () => noProgress,
      );
      lease.start();
      try {
        await run(text);
        await waitFor('the lease ends', async () => lease.signal.aborted || undefined, {
          seconds: 20,
        });
        expect(lease.signal.reason).toMatchObject({ code: 'forbidden' });
      } finally {
        await lease.stop();
      }
    },
  );
});

test('a slot reopens by a delivery at the offset of its lost attempt or later, not before', async () => {
  await run(
    `update slots set closed_until = now() + interval '15 minutes', closed_offset = 7 where partition < 2`,
  );
  const deliver = (partition: number, offset: number) =>
    claimUnit({ unitId: randomUUID(), dispatchId: randomUUID(), partition, offset }, atOnce());
  const closed = async () =>
    (
      await sql<{ partition: number }>(
        own.url,
        'select partition from slots where closed_until > now() order by partition',
      )
    ).map(({ partition }) => partition);
  await deliver(0, 6);
  await deliver(2, 9);
  expect(await closed()).toEqual([0, 1]);
  await deliver(0, 7);
  expect(await closed()).toEqual([1]);
  await deliver(1, 8);
  expect(await closed()).toEqual([]);
});

test('the sweep deletes the object of an expired export a minute after the expiry', async () => {
  const createExpired = async (expiredSeconds: number) => {
    const id = await own.addExport({ owner: 'a' });
    await own.end(id);
    await run(
      `update exports set state = 'ready', object_key = 'no-object/' || id, file = '{}', manifest = '{}',
         expires_at = now() - make_interval(secs => $2) where id = $1`,
      [id, expiredSeconds],
    );
    return id;
  };
  const young = await createExpired(50);
  const old = await createExpired(61);
  await sweepOnce();
  expect(await exportOf(young)).toMatchObject({ state: 'expired', object_deleted_at: null });
  expect(await exportOf(old)).toMatchObject({
    state: 'expired',
    object_deleted_at: expect.any(Date),
  });
});

test('the sweep deletes old tickets, messages and idempotency keys, and no others', async () => {
  const id = await own.addExport({ owner: 'a' });
  await run(
    `insert into tickets (secret_hash, export_id, account_id, object_key, first_use_before, created_at)
       select name::bytea, $1, owner_id, '', now(), now() - age from exports,
         (values ('old', interval '32 days'), ('young', interval '30 days')) ages (name, age)`,
    [id],
  );
  await run(
    `insert into outbox (event_id, topic, created_at, sent_at) values
       (gen_random_uuid(), 'old', now(), now() - interval '8 days'),
       (gen_random_uuid(), 'young', now(), now() - interval '6 days');
     insert into idempotency_keys (scope, key, fingerprint, created_at) values
       ('', 'old', '', now() - interval '8 days'), ('', 'young', '', now() - interval '6 days')`,
  );
  await sweepOnce();
  const left = await sql<{ name: string }>(
    own.url,
    `select convert_from(secret_hash, 'UTF8') as name from tickets union all
     select topic from outbox where topic <> 'exports.work' union all select key from idempotency_keys`,
  );
  expect(left.map(({ name }) => name)).toEqual(['young', 'young', 'young']);
  await run('delete from idempotency_keys');
});

test('the sweep repairs the lines of the queue', async () => {
  await own.addExport({ owner: 'a', source: 'sales' });
  await run(
    `insert into source_pauses (source, reason, paused_by) select s, 'x', id from accounts, unnest(array['sales', 'iot']) s`,
  );
  await run(
    `delete from queue_lines;
     insert into queue_lines select gen_random_uuid(), 'iot', 'ordinary', 1, now(), now() from generate_series(1, 450)`,
  );
  // Each pass repairs some lines.
  await waitFor(
    'all lines are repaired',
    async () => {
      await sweepOnce();
      const lines = await sql<{ source: string }>(own.url, 'select source from queue_lines');
      return lines.length === 1 && lines[0]?.source === 'sales' ? true : undefined;
    },
    { seconds: 60, everyMs: 0 },
  );
  await own.assertLines();
});
