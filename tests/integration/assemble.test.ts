import { createHash, randomBytes, randomUUID } from 'node:crypto';
import {
  GetObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findRunningStack, useStack } from '../../infra/local/found-stack.ts';
import { openHome } from '../../infra/local/home.ts';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { assemble, Yielded } from '../../lib/engine/assemble.ts';
import { settle } from '../../lib/exports/states.ts';
import { catalogue, transaction } from '../../lib/runtime/catalogue.ts';
import type { Checkpoint, FinalizeClaim, StoredPiece } from '../../lib/scheduling/attempt.ts';
import { yieldUnit } from '../../lib/scheduling/end.ts';
import { Lease } from '../../lib/scheduling/lease.ts';
import { clearKey, s3, sizeOf } from '../../lib/storage/s3.ts';
import { home, sql, stack } from '../stack/stack.ts';

/**
 * How a file is put together when no invocation has time for all of it: the domain's own code, against the stack's
 * catalogue and storage, one step at a time. The stack's workers leave the unit alone: it is not to begin for an hour.
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
  if (!running) throw new Error('the stack does not run');
  useStack(opened, running);
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
  for (const key of keys) await clearKey(key);
  s3().destroy();
  await catalogue().end();
});

const put = (Key: string, Body: Buffer) =>
  s3().send(new PutObjectCommand({ Bucket: stack.s3.bucket, Key, Body }));

/** Pieces of these sizes, as read units leave them, and the file they have to become. */
async function pieces(sizes: number[]): Promise<{ pieces: StoredPiece[]; file: Buffer }> {
  const made: StoredPiece[] = [];
  const contents = [Buffer.from('n\n')];
  for (const size of sizes) {
    const content = randomBytes(size);
    const objectKey = `exports/tests/${randomUUID()}`;
    keys.push(objectKey);
    contents.push(content);
    await put(objectKey, content);
    made.push({
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
  return { pieces: made, file: Buffer.concat(contents) };
}

interface Unit {
  exportId: string;
  unitId: string;
}

/** An export whose pieces are all there, and whose finalize unit waits. */
async function waiting(): Promise<Unit> {
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

/** Takes the unit as a claim does: a fresh attempt with a key of its own. */
async function taken(unit: Unit, stored: StoredPiece[]): Promise<FinalizeClaim> {
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
    await settle(client, unit.exportId);
    return rows[0]?.checkpoint ?? null;
  });
  return {
    ...unit,
    attemptId,
    objectKey,
    checkpoint,
    kind: 'finalize',
    ownerEmail: 'nobody@streamsync.example',
    limits: { maxRows: null, maxBytes: null },
    elsewhere: { rows: 0, bytes: 0 },
    source: 'sales',
    connections: 0,
    request,
    pieces: stored,
    completing: null,
  };
}

/** One attempt, that has time for so many steps. */
async function attempt(claim: FinalizeClaim, steps: number): ReturnType<typeof assemble> {
  const lease = new Lease(claim, () => ({ rows: 0, bytes: 0 }));
  lease.start();
  try {
    let left = steps;
    const made = await assemble(claim, lease, () => left-- > 0);
    if (made instanceof Yielded)
      await transaction((client) => yieldUnit(client, claim, made.checkpoint));
    return made;
  } finally {
    await lease.stop();
  }
}

/** Attempt behind attempt, until the file is there; the checkpoints go through the catalogue. */
async function attempts(unit: Unit, stored: StoredPiece[], steps: number) {
  const phases: string[] = [];
  for (let n = 0; n < 40; n++) {
    const made = await attempt(await taken(unit, stored), steps);
    if (!(made instanceof Yielded)) return { ...made, phases };
    phases.push(made.checkpoint.phase);
  }
  throw new Error(`no file after ${phases.length} attempts: ${phases.join(' ')}`);
}

async function bytesAt(key: string): Promise<Buffer> {
  const { Body } = await s3().send(new GetObjectCommand({ Bucket: stack.s3.bucket, Key: key }));
  if (!Body) throw new Error(`${key} is empty`);
  return Buffer.from(await Body.transformToByteArray());
}

// Sent, too small, none at all, copied; more parts than are made at a time.
const sizes = [6, 7, 0.1, 0, 6, 5, 0.2, 8, 6].map((size) => Math.floor(size * mebibyte));

test.each([
  [1, ['copy', 'hash']],
  [3, ['hash']],
  [1_000, []],
])(
  'a file put together %d steps at a time is the same file; it stops in: %j',
  async (steps, stops) => {
    const { pieces: stored, file } = await pieces(sizes);
    const unit = await waiting();
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
    // A yield counts as no attempt that failed.
    const [row] = await sql(
      stack.postgres.catalogue,
      'select retries, lost_attempts from units where id = $1',
      [unit.unitId],
    );
    expect(row).toEqual({ retries: 0, lost_attempts: 0 });
  },
);

test('a file that a lost attempt has completed is not made again, only proved', async () => {
  const { pieces: stored, file } = await pieces([6 * mebibyte, 9]);
  const unit = await waiting();
  const lost = await attempt(await taken(unit, stored), 1_000);
  if (lost instanceof Yielded) throw new Error('it had time for all of it');
  const claim = await taken(unit, stored);
  const completing = { objectKey: lost.objectKey, outcome: { bytes: file.length } };
  expect(await attempt({ ...claim, completing }, 1_000)).toEqual(lost);
  expect(await sizeOf(claim.objectKey)).toBeUndefined();
});

test.each([
  ['before it is copied', 0],
  ['after the first parts are copied', 1],
])('a piece that is not what its reader made makes no file: altered %s', async (_when, steps) => {
  const { pieces: stored } = await pieces(sizes);
  const unit = await waiting();
  if (steps > 0) expect(await attempt(await taken(unit, stored), steps)).toBeInstanceOf(Yielded);
  const last = stored.at(-1);
  if (!last) throw new Error('there are no pieces');
  await put(last.objectKey, randomBytes(last.bytes));
  await expect(attempt(await taken(unit, stored), 1_000)).rejects.toMatchObject({
    code: 'storage_error',
  });
});

test('a file that was altered between two stretches of its read-back is found out', async () => {
  const { pieces: stored, file } = await pieces(sizes);
  const unit = await waiting();
  let made = await attempt(await taken(unit, stored), 1);
  while (made instanceof Yielded && made.checkpoint.phase === 'copy')
    made = await attempt(await taken(unit, stored), 1);
  if (!(made instanceof Yielded)) throw new Error('it was made at once');
  const altered = Buffer.from(file);
  altered.writeUInt8((altered.readUInt8(altered.length - 9) + 1) % 256, altered.length - 9);
  await put(made.checkpoint.objectKey, altered);
  expect(await sizeOf(made.checkpoint.objectKey)).toBe(file.length);
  await expect(attempts(unit, stored, 1)).rejects.toMatchObject({ code: 'storage_error' });
});
