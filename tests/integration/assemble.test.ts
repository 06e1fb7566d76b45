import { createHash, randomBytes, randomUUID } from 'node:crypto';
import {
  GetObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openHome } from '../../infra/local/home/home.ts';
import { applyStackEnvironment, findRunningStack } from '../../infra/local/home/running-stack.ts';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { assemble, Yielded } from '../../lib/engine/finalize/assemble.ts';
import { syncExportState } from '../../lib/exports/lifecycle/states.ts';
import { catalogue, transaction } from '../../lib/runtime/catalogue.ts';
import type {
  Checkpoint,
  FinalizeClaim,
  StoredUnitOutput,
} from '../../lib/scheduling/claim-types.ts';
import { Lease } from '../../lib/scheduling/lease.ts';
import { yieldUnit } from '../../lib/scheduling/unit-transitions.ts';
import { deleteObjectAndUploads, s3, sizeOf } from '../../lib/storage/s3.ts';
import { home, sql, stack } from '../support/stack.ts';

/**
 * Tests the assembly of a file over several invocations, one step at a time: the code of lib against the stack's
 * catalogue and storage. The stack's workers do not claim the unit, because its `not_before` is an hour ahead.
 */
const owner = randomUUID();
const request = exportRequestSchema.parse({
  sources: ['sales'],
  dataset: 'made_up',
  format: 'csv',
  consistency: 'resumable',
});
const mebibyte = 2 ** 20;
const keys: string[] = [];

beforeAll(async () => {
  const opened = openHome({ STREAMSYNC_HOME: home() });
  const running = findRunningStack(opened);
  if (!running) throw new Error('the stack is not running');
  applyStackEnvironment(opened, running);
  await sql(
    stack.postgres.catalogue,
    `insert into accounts (id, email, password_hash, role) values ($1, $2, '', 'analyst')`,
    [owner, `${owner}@streamsync.example`],
  );
  await sql(
    stack.postgres.catalogue,
    `insert into grants (account_id, source) values ($1, 'sales')`,
    [owner],
  );
});
afterAll(async () => {
  await sql(stack.postgres.catalogue, 'delete from exports where owner_id = $1', [owner]);
  await sql(stack.postgres.catalogue, 'delete from accounts where id = $1', [owner]);
  for (const key of keys) await deleteObjectAndUploads(key);
  s3().destroy();
  await catalogue().end();
});

const put = (Key: string, Body: Buffer) =>
  s3().send(new PutObjectCommand({ Bucket: stack.s3.bucket, Key, Body }));

/** Stores unit outputs of these sizes, as read units do. Returns them and the file they become. */
async function storeOutputs(
  sizes: number[],
): Promise<{ outputs: StoredUnitOutput[]; file: Buffer }> {
  const outputs: StoredUnitOutput[] = [];
  const contents = [Buffer.from('n\n')];
  for (const size of sizes) {
    const content = randomBytes(size);
    const objectKey = `exports/tests/${randomUUID()}`;
    keys.push(objectKey);
    contents.push(content);
    await put(objectKey, content);
    outputs.push({
      source: 'sales',
      objectKey,
      rows: size === 0 ? 0 : 1,
      bytes: size,
      sha256: createHash('sha256').update(content).digest('hex'),
      rowsWithoutTime: 0,
      asOf: new Date().toISOString(),
      lsn: '0/0',
      columns: [{ name: 'n', databaseType: 'text', fileType: 'text' }],
      schema: [{ name: 'n', type: 'text', base: 'text', nullable: true }],
      fragment: [],
    });
  }
  return { outputs, file: Buffer.concat(contents) };
}

interface Unit {
  exportId: string;
  unitId: string;
}

/** Creates an export whose unit outputs are stored and whose finalize unit waits. */
async function createWaitingUnit(): Promise<Unit> {
  const [exportId, unitId] = [randomUUID(), randomUUID()];
  await sql(
    stack.postgres.catalogue,
    `insert into exports (id, owner_id, request, state, units_total, units_done) values ($1, $2, $3, 'queued', 2, 2)`,
    [exportId, owner, request],
  );
  await sql(
    stack.postgres.catalogue,
    `insert into units (id, export_id, kind, source, planned_connections, not_before)
     values ($1, $2, 'finalize', 'sales', 0, now() + interval '1 hour')`,
    [unitId, exportId],
  );
  return { exportId, unitId };
}

/** Claims the unit as a worker does: with a new attempt and an object key of its own. */
async function claimOf(unit: Unit, stored: StoredUnitOutput[]): Promise<FinalizeClaim> {
  const attemptId = randomUUID();
  const objectKey = `exports/tests/${attemptId}`;
  keys.push(objectKey);
  const checkpoint = await transaction(async (client) => {
    await client.query(
      `insert into attempts (id, unit_id, export_id, partition, "offset", object_key) values ($1, $2, $3, 0, 0, $4)`,
      [attemptId, unit.unitId, unit.exportId, objectKey],
    );
    const { rows } = await client.query<{ checkpoint: Checkpoint | null }>(
      `update units set state = 'running', attempt_id = $2, lease_until = now() + interval '20 seconds'
       where id = $1 returning checkpoint`,
      [unit.unitId, attemptId],
    );
    await syncExportState(client, unit.exportId);
    return rows[0]?.checkpoint ?? null;
  });
  return {
    ...unit,
    attemptId,
    objectKey,
    checkpoint,
    kind: 'finalize',
    ownerEmail: 'unknown@streamsync.example',
    limits: { maxRows: null, maxBytes: null },
    otherUnits: { rows: 0, bytes: 0 },
    source: 'sales',
    connections: 0,
    request,
    unitOutputs: stored,
    completing: null,
  };
}

/** Runs one attempt that has time for `steps` steps. */
async function attempt(claim: FinalizeClaim, steps: number): ReturnType<typeof assemble> {
  const lease = new Lease(claim, () => ({ rows: 0, bytes: 0 }));
  lease.start();
  try {
    let left = steps;
    const result = await assemble(claim, lease, () => left-- > 0);
    if (result instanceof Yielded)
      await transaction((client) => yieldUnit(client, claim, result.checkpoint));
    return result;
  } finally {
    await lease.stop();
  }
}

/** Runs attempts one after the other until the file exists; the catalogue keeps the checkpoints. */
async function attempts(unit: Unit, stored: StoredUnitOutput[], steps: number) {
  const phases: string[] = [];
  for (let n = 0; n < 40; n++) {
    const result = await attempt(await claimOf(unit, stored), steps);
    if (!(result instanceof Yielded)) return { ...result, phases };
    phases.push(result.checkpoint.phase);
  }
  throw new Error(`no file after ${phases.length} attempts: ${phases.join(' ')}`);
}

async function bytesAt(key: string): Promise<Buffer> {
  const { Body } = await s3().send(new GetObjectCommand({ Bucket: stack.s3.bucket, Key: key }));
  if (!Body) throw new Error(`${key} is empty`);
  return Buffer.from(await Body.transformToByteArray());
}

// In MiB. Parts that are uploaded, too small, empty and copied; more parts than are copied in parallel.
const sizes = [6, 7, 0.1, 0, 6, 5, 0.2, 8, 6].map((size) => Math.floor(size * mebibyte));

test.each([
  [1, ['copy', 'hash']],
  [3, ['hash']],
  [1_000, []],
])(
  'a file assembled %d steps at a time has the same bytes; attempts yield in: %j',
  async (steps, stops) => {
    const { outputs: stored, file } = await storeOutputs(sizes);
    const unit = await createWaitingUnit();
    const { objectKey, outcome, phases } = await attempts(unit, stored, steps);
    expect((await bytesAt(objectKey)).equals(file)).toBe(true);
    expect(outcome).toMatchObject({
      bytes: file.length,
      rows: stored.filter(({ bytes }) => bytes > 0).length,
      sha256: createHash('sha256').update(file).digest('hex'),
    });
    expect(new Set(phases)).toEqual(new Set(stops));
    const { Uploads = [] } = await s3().send(
      new ListMultipartUploadsCommand({ Bucket: stack.s3.bucket, Prefix: 'exports/tests/' }),
    );
    expect(Uploads.filter(({ Key }) => Key === objectKey)).toEqual([]);
    // A yield counts neither as a retry nor as a lost attempt.
    const [row] = await sql(
      stack.postgres.catalogue,
      'select retries, lost_attempts from units where id = $1',
      [unit.unitId],
    );
    expect(row).toEqual({ retries: 0, lost_attempts: 0 });
  },
);

test('a file that a lost attempt has completed is verified, not assembled again', async () => {
  const { outputs: stored, file } = await storeOutputs([6 * mebibyte, 9]);
  const unit = await createWaitingUnit();
  const lost = await attempt(await claimOf(unit, stored), 1_000);
  if (lost instanceof Yielded)
    throw new Error('the attempt yielded although it had time for every step');
  const claim = await claimOf(unit, stored);
  const completing = { objectKey: lost.objectKey, outcome: { bytes: file.length } };
  expect(await attempt({ ...claim, completing }, 1_000)).toEqual(lost);
  expect(await sizeOf(claim.objectKey)).toBeUndefined();
});

test.each([
  ['before it is copied', 0],
  ['after the first parts are copied', 1],
])('a unit output that was altered %s fails the assembly', async (_when, steps) => {
  const { outputs: stored } = await storeOutputs(sizes);
  const unit = await createWaitingUnit();
  if (steps > 0) expect(await attempt(await claimOf(unit, stored), steps)).toBeInstanceOf(Yielded);
  const last = stored.at(-1);
  if (!last) throw new Error('there are no unit outputs');
  await put(last.objectKey, randomBytes(last.bytes));
  await expect(attempt(await claimOf(unit, stored), 1_000)).rejects.toMatchObject({
    code: 'storage_error',
  });
});

test('assembly fails if the file is altered between two steps of its verification', async () => {
  const { outputs: stored, file } = await storeOutputs(sizes);
  const unit = await createWaitingUnit();
  let result = await attempt(await claimOf(unit, stored), 1);
  while (result instanceof Yielded && result.checkpoint.phase === 'copy')
    result = await attempt(await claimOf(unit, stored), 1);
  if (!(result instanceof Yielded))
    throw new Error('the attempt completed the file instead of yielding');
  const altered = Buffer.from(file);
  altered.writeUInt8((altered.readUInt8(altered.length - 9) + 1) % 256, altered.length - 9);
  await put(result.checkpoint.objectKey, altered);
  expect(await sizeOf(result.checkpoint.objectKey)).toBe(file.length);
  await expect(attempts(unit, stored, 1)).rejects.toMatchObject({ code: 'storage_error' });
});
