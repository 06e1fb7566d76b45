import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { decryptWithLibrary, newAgeKey } from '../support/age.ts';
import { readExport } from '../support/api.ts';
import { consume, type Topic } from '../support/events.ts';
import { assertComplete, attemptsOf } from '../support/export-invariants.ts';
import type { Fault } from '../support/faults/fault-rules.ts';
import { clearFaults, exportMeeting, type Injected } from '../support/faults/storage-faults.ts';
import { blockRelay } from '../support/relay-lock.ts';
import { readStack, referenceCsv, sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/**
 * Kills all workers with SIGKILL at each crash point. If the point is a request to S3, the proxy holds that request
 * or its answer meanwhile; if it is a statement in the catalogue, a lock is held. So the code needs no fault points,
 * and the tests do not depend on timing.
 */
let results: Topic;
let reference: Buffer;
const recovered: number[] = [];

const rows = 60_000;
/** A file of three parts of 5 MiB and a smaller one. */
const whole = { sources: ['sales'], dataset: 'boundary_rows', format: 'csv' };
/** Its function's cost makes the estimate some minutes: three units of more than 5 MiB, which the storage copies. */
const inUnits = {
  sources: ['sales'],
  dataset: 'boundary_units',
  format: 'csv',
  consistency: 'resumable',
};

beforeAll(async () => {
  await sql(
    sourceUrl('sales'),
    `create or replace function boundary_cost(bigint) returns text language plpgsql immutable
       cost 100000 as $$ begin return 'x'; end $$`,
  );
  await sql(
    sourceUrl('sales'),
    `create table if not exists boundary_table as
       select n as id, timestamptz '2024-01-01Z' + n * interval '1 minute' as at, repeat(md5(n::text), 10) as text
       from generate_series(1, ${rows}) n`,
  );
  await sql(sourceUrl('sales'), 'analyze boundary_table');
  await sql(
    sourceUrl('sales'),
    `create or replace view boundary_rows as select * from boundary_table`,
  );
  await sql(
    sourceUrl('sales'),
    `create or replace view boundary_units as select t.*, boundary_cost(t.id) as nothing from boundary_table t`,
  );
  await sql(sourceUrl('sales'), 'grant select on boundary_table to streamsync_reader_sales');
  results = await consume('exports.results');
  reference = await referenceCsv('sales', 'select * from boundary_rows');
});
afterEach(() => clearFaults());
afterAll(async () => {
  await results.close();
  await sql(sourceUrl('sales'), 'drop table if exists boundary_table cascade');
  if (recovered.length > 0) {
    const sorted = recovered.toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    console.info(
      `recovery after SIGKILL, ${sorted.length} times: median ${median.toFixed(1)} s, worst ${sorted.at(-1)?.toFixed(1)} s`,
    );
    // The lease and the sweep take up to a minute.
    expect(sorted.at(-1)).toBeLessThanOrEqual(60);
  }
});

async function killWorkers(): Promise<void> {
  const workers = (await readStack()).processes.filter(({ name }) =>
    name.startsWith('export-worker-'),
  );
  expect(workers.length).toBeGreaterThan(0);
  for (const { pid } of workers) process.kill(pid, 'SIGKILL');
}

/** Waits until another attempt has started, and records the recovery time. */
async function recordRecovery(id: string, attempts: number): Promise<void> {
  const killed = performance.now();
  await waitFor(
    'another attempt has started',
    async () => ((await attemptsOf(id)).length > attempts ? true : undefined),
    { seconds: 90, everyMs: 100 },
  );
  recovered.push((performance.now() - killed) / 1_000);
}

/** Returns whether the file is the object that the lost attempt had completed. */
async function isAdopted(id: string): Promise<boolean | undefined> {
  const [row] = await sql<{ adopted: boolean }>(
    stack.postgres.catalogue,
    `select e.object_key = a.object_key as adopted
     from exports e join attempts a on a.export_id = e.id and a.state = 'lost' where e.id = $1`,
    [id],
  );
  return row?.adopted;
}

/** Releases the held request, and kills the workers after the commit and before the relay. */
async function killBeforeRelay(id: string, fault: Injected): Promise<void> {
  await fault.held(40);
  const relay = await blockRelay(stack.postgres.catalogue);
  try {
    await fault.release();
    await waitFor('the export is ready', async () =>
      (await readExport(id)).status === 'ready' ? true : undefined,
    );
    await killWorkers();
  } finally {
    await relay.release();
  }
}

type Boundary = { at: string; fault: Omit<Fault, 'key'>; adopted?: boolean };

describe('the worker of a snapshot is killed', () => {
  test.each<Boundary>([
    {
      at: 'after its claim',
      fault: { operation: 'CreateMultipartUpload', action: { kind: 'holdAfter' }, times: 1 },
    },
    {
      at: 'in the middle of the upload',
      fault: { operation: 'UploadPart', action: { kind: 'holdAfter' }, skip: 1, times: 1 },
    },
    {
      at: 'before the upload is completed',
      fault: { operation: 'CompleteMultipartUpload', action: { kind: 'holdBefore' }, times: 1 },
    },
    {
      at: 'after the upload is completed, before the commit',
      fault: { operation: 'CompleteMultipartUpload', action: { kind: 'holdAfter' }, times: 1 },
      adopted: true,
    },
  ])('a snapshot is ready after its worker was killed $at', async ({ fault, adopted = false }) => {
    const interrupted = await exportMeeting(whole, fault);
    await interrupted.fault.held();
    await killWorkers();
    await recordRecovery(interrupted.id, 1);
    await interrupted.fault.remove();
    await assertComplete(interrupted.id, { reference, results });
    expect(await attemptsOf(interrupted.id)).toEqual(['lost', 'done']);
    expect(await isAdopted(interrupted.id)).toBe(adopted);
  });

  test('an encrypted snapshot is ready after its worker was killed in the middle of the upload', async () => {
    const key = await newAgeKey();
    const interrupted = await exportMeeting(
      { ...whole, encryption: { recipients: [key.recipient] } },
      { operation: 'UploadPart', action: { kind: 'holdAfter' }, skip: 1, times: 1 },
    );
    await interrupted.fault.held();
    await killWorkers();
    await recordRecovery(interrupted.id, 1);
    await interrupted.fault.remove();
    const decrypt = (bytes: Buffer): Promise<Buffer> => decryptWithLibrary(bytes, key);
    await assertComplete(interrupted.id, { reference, results, decrypt });
    expect(await attemptsOf(interrupted.id)).toEqual(['lost', 'done']);
  });

  test('a snapshot is ready after its worker was killed between the commit and the event', async () => {
    const { id, fault } = await exportMeeting(whole, {
      operation: 'CompleteMultipartUpload',
      action: { kind: 'holdBefore' },
    });
    await killBeforeRelay(id, fault);
    await assertComplete(id, { reference, results });
    expect(await attemptsOf(id)).toEqual(['done']);
  });
});

describe('the worker of the assembly is killed', () => {
  /** Skips the requests of the read units for this operation, which come first. */
  const afterUnits =
    (fault: Omit<Fault, 'key'>, perUnit: number) =>
    async (id: string): Promise<Omit<Fault, 'key'>> => {
      const [row] = await sql<{ units_total: number }>(
        stack.postgres.catalogue,
        'select units_total from exports where id = $1',
        [id],
      );
      expect(row?.units_total).toBeGreaterThan(1);
      return { ...fault, skip: (row?.units_total ?? 0) * perUnit };
    };

  test.each<Boundary & { perUnit: number }>([
    {
      at: 'after its claim',
      fault: { operation: 'CreateMultipartUpload', action: { kind: 'holdAfter' }, times: 1 },
      perUnit: 1,
    },
    {
      at: 'in the middle of the copies',
      fault: { operation: 'UploadPartCopy', action: { kind: 'holdAfter' }, times: 1 },
      perUnit: 0,
    },
    {
      at: 'before the upload is completed',
      fault: { operation: 'CompleteMultipartUpload', action: { kind: 'holdBefore' }, times: 1 },
      perUnit: 1,
    },
    {
      at: 'after the upload is completed, before its verification',
      fault: { operation: 'CompleteMultipartUpload', action: { kind: 'holdAfter' }, times: 1 },
      perUnit: 1,
      adopted: true,
    },
  ])(
    'an export in units is ready after its finalize worker was killed $at',
    async ({ fault, perUnit, adopted = false }) => {
      const interrupted = await exportMeeting(inUnits, afterUnits(fault, perUnit));
      await interrupted.fault.held(40);
      const before = await attemptsOf(interrupted.id);
      await killWorkers();
      await recordRecovery(interrupted.id, before.length);
      await interrupted.fault.remove();
      await assertComplete(interrupted.id, { reference: unitsReference(), results });
      const after = await attemptsOf(interrupted.id);
      // No read unit was repeated.
      expect(after.filter((state) => state === 'done')).toHaveLength(before.length);
      expect(after.filter((state) => state === 'lost')).toHaveLength(1);
      expect(await isAdopted(interrupted.id)).toBe(adopted);
    },
  );

  test('an export in units is ready after its finalize worker was killed between the commit and the event', async () => {
    const { id, fault } = await exportMeeting(
      inUnits,
      afterUnits({ operation: 'CompleteMultipartUpload', action: { kind: 'holdBefore' } }, 1),
    );
    await killBeforeRelay(id, fault);
    await assertComplete(id, { reference: unitsReference(), results });
    expect(new Set(await attemptsOf(id))).toEqual(new Set(['done']));
  });

  const unitsReference = (): Buffer =>
    Buffer.from(
      reference
        .toString()
        .replaceAll(/^(?!id,).+$/gm, (line) => `${line},x`)
        .replace(/^id,at,text$/m, 'id,at,text,nothing'),
    );
});
