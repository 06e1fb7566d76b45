import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { readExport } from '../stack/api.ts';
import { follow, type Topic } from '../stack/events.ts';
import type { Fault } from '../stack/fault-rules.ts';
import { attemptsOf, requireWhole } from '../stack/proof.ts';
import { holdRelay } from '../stack/relay-lock.ts';
import { readStack, referenceCsv, sourceUrl, sql, stack } from '../stack/stack.ts';
import { clearFaults, exportMeeting, type Injected } from '../stack/storage-faults.ts';
import { until } from '../stack/until.ts';

/**
 * SIGKILL at each boundary. Where the boundary is a request to S3, the proxy holds just that request
 * (or its answer) while every worker is killed; where it is one in the catalogue, a lock is held. So
 * there are no fault points in the code, and no luck with the time.
 */
let results: Topic;
let reference: Buffer;
const recovered: number[] = [];

const rows = 60_000;
/** Three parts of 5 MiB and some. */
const whole = { sources: ['sales'], dataset: 'boundary_rows', format: 'csv' };
/** Estimated at some minutes by the cost of its function: three units of more than 5 MiB, which are copied. */
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
  results = await follow('exports.results');
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
    // The lease and the sweep give a minute.
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

/** Until another attempt has begun. */
async function recovery(id: string, attempts: number): Promise<void> {
  const killed = performance.now();
  await until(
    'another attempt has begun',
    async () => ((await attemptsOf(id)).length > attempts ? true : undefined),
    { seconds: 90, everyMilliseconds: 100 },
  );
  recovered.push((performance.now() - killed) / 1_000);
}

/** Whether the file is the object that the lost attempt had completed. */
async function isAdopted(id: string): Promise<boolean | undefined> {
  const [taken] = await sql<{ adopted: boolean }>(
    stack.postgres.catalogue,
    `select e.object_key = a.object_key as adopted
     from exports e join attempts a on a.export_id = e.id and a.state = 'lost' where e.id = $1`,
    [id],
  );
  return taken?.adopted;
}

/** Goes on with what is held, and kills the workers when that is committed and not yet relayed. */
async function killBeforeRelay(id: string, fault: Injected): Promise<void> {
  await fault.held(40);
  const relay = await holdRelay(stack.postgres.catalogue);
  try {
    await fault.release();
    await until('it is ready', async () =>
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
      at: 'after it was completed, before that is committed',
      fault: { operation: 'CompleteMultipartUpload', action: { kind: 'holdAfter' }, times: 1 },
      adopted: true,
    },
  ])('$at', async ({ fault, adopted = false }) => {
    const met = await exportMeeting(whole, fault);
    await met.fault.held();
    await killWorkers();
    await recovery(met.id, 1);
    await met.fault.remove();
    await requireWhole(met.id, { reference, results });
    expect(await attemptsOf(met.id)).toEqual(['lost', 'done']);
    expect(await isAdopted(met.id)).toBe(adopted);
  });

  test('after its commit, before the event about it is sent', async () => {
    const { id, fault } = await exportMeeting(whole, {
      operation: 'CompleteMultipartUpload',
      action: { kind: 'holdBefore' },
    });
    await killBeforeRelay(id, fault);
    await requireWhole(id, { reference, results });
    expect(await attemptsOf(id)).toEqual(['done']);
  });
});

describe('the worker that puts the pieces together is killed', () => {
  /** The requests of the read units to this operation, which come before. */
  const behindUnits =
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
      at: 'after it was completed, before it is read back',
      fault: { operation: 'CompleteMultipartUpload', action: { kind: 'holdAfter' }, times: 1 },
      perUnit: 1,
      adopted: true,
    },
  ])('$at', async ({ fault, perUnit, adopted = false }) => {
    const met = await exportMeeting(inUnits, behindUnits(fault, perUnit));
    await met.fault.held(40);
    const before = await attemptsOf(met.id);
    await killWorkers();
    await recovery(met.id, before.length);
    await met.fault.remove();
    await requireWhole(met.id, { reference: unitsReference(), results });
    const after = await attemptsOf(met.id);
    // No piece was read again.
    expect(after.filter((state) => state === 'done')).toHaveLength(before.length);
    expect(after.filter((state) => state === 'lost')).toHaveLength(1);
    expect(await isAdopted(met.id)).toBe(adopted);
  });

  test('after its commit, before the event about it is sent', async () => {
    const { id, fault } = await exportMeeting(
      inUnits,
      behindUnits({ operation: 'CompleteMultipartUpload', action: { kind: 'holdBefore' } }, 1),
    );
    await killBeforeRelay(id, fault);
    await requireWhole(id, { reference: unitsReference(), results });
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
