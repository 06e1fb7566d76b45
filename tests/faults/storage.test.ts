import { createHash } from 'node:crypto';
import { ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { manifestSchema } from '../../lib/contracts/export-document.ts';
import { asDemo, call, createExport, download, ended, monthOfOrders } from '../stack/api.ts';
import { follow, type Topic } from '../stack/events.ts';
import type { Fault } from '../stack/fault-rules.ts';
import { referenceCsv, sortedLines, sourceUrl, sql, stack } from '../stack/stack.ts';
import { clearFaults, inject } from '../stack/storage-faults.ts';
import { until } from '../stack/until.ts';

const rows = 130_000;
/** Five parts of 8 MiB, the last one smaller: there is a middle to be interrupted in. */
const manyParts = { sources: ['sales'], dataset: 'storage_rows', format: 'csv' };
const s3 = new S3Client({
  endpoint: stack.s3.endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});
let results: Topic;
let reference: string;
/** Takes its retries' waits, which is the most of a minute: begun first, looked at last. */
let refused: string;

beforeAll(async () => {
  await sql(
    sourceUrl('sales'),
    `create or replace view storage_rows as
       select n as id, repeat(md5(n::text), 8) as text from generate_series(1, ${rows}) n`,
  );
  results = await follow('exports.results');
  reference = sortedLines(await referenceCsv('sales', 'select * from storage_rows'));
  const met = await exportMeeting(monthOfOrders, {
    operation: 'UploadPart',
    action: { kind: 'answer', status: 500, code: 'InternalError' },
  });
  refused = met.id;
});
afterAll(async () => {
  s3.destroy();
  await clearFaults();
  await results.close();
});

/** An export that has not begun to upload before the fault, which is for it alone, is in place. */
async function exportMeeting(request: object, fault: Omit<Fault, 'key'>) {
  const gate = await inject({
    operation: 'CreateMultipartUpload',
    action: { kind: 'holdBefore' },
  });
  try {
    const { id } = await createExport(request);
    return { id, fault: await inject({ ...fault, key: id }) };
  } finally {
    await gate.remove();
  }
}

/** Ready, with one file that is as the source has it, told of once, and nothing else left. */
async function expectWhole(id: string): Promise<void> {
  const document = await ended(id, 60);
  expect(document).toMatchObject({ status: 'ready', error: null });
  const { bytes } = await download(id);
  // Not compared by `toBe` itself: the difference of two such texts is nothing to print.
  expect(sortedLines(bytes) === reference).toBe(true);
  const file = {
    rows,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
  expect(document.file).toMatchObject(file);
  const manifest = await call('GET', `/exports/${id}/manifest`, { headers: asDemo });
  expect(manifest.json(manifestSchema).file).toMatchObject(file);
  await expectLeft(id, 1);
  await expectEvents(id, 'completed');
}

/** By what LocalStack itself says, once the sweep has been there. */
const expectLeft = (id: string, objects: number) =>
  until(
    `${objects} objects and no uploads are left of ${id}`,
    async () => {
      const of = { Bucket: stack.s3.bucket, Prefix: 'exports/' };
      const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand(of));
      const { Contents = [] } = await s3.send(new ListObjectsV2Command(of));
      const count = (found: { Key?: string | undefined }[]) =>
        found.filter(({ Key }) => Key?.includes(id)).length;
      return count(Uploads) === 0 && count(Contents) === objects ? true : undefined;
    },
    { seconds: 20 },
  );

async function expectEvents(id: string, outcome: string): Promise<void> {
  const types = () =>
    results.messages
      .map(({ value }) => String(value))
      .filter((value) => value.includes(id))
      .map((value) => /"streamsync\.export\.(\w+)\.v1"/.exec(value)?.[1])
      .join(' ');
  await until(`${outcome} is told`, async () => (types().includes(outcome) ? true : undefined));
  expect(types().split(' ')).toHaveLength(2);
  expect(types()).toContain('accepted');
}

async function attemptsOf(id: string): Promise<string[]> {
  const attempts = await sql<{ state: string }>(
    stack.postgres.catalogue,
    'select state from attempts where export_id = $1 order by started_at',
    [id],
  );
  return attempts.map(({ state }) => state);
}

describe('an export ends ready, whole and once', () => {
  test.each<{ when: string; fault: Omit<Fault, 'key'> }>([
    {
      when: 'a part is answered 500 twice',
      fault: {
        operation: 'UploadPart',
        action: { kind: 'answer', status: 500, code: 'InternalError' },
        skip: 1,
        times: 2,
      },
    },
    {
      when: 'a part is answered 503 SlowDown twice',
      fault: {
        operation: 'UploadPart',
        action: { kind: 'answer', status: 503, code: 'SlowDown' },
        skip: 1,
        times: 2,
      },
    },
    {
      when: 'the connection breaks in the middle of a part',
      fault: {
        operation: 'UploadPart',
        action: { kind: 'reset', afterBytes: 3_000_000 },
        skip: 1,
        times: 1,
      },
    },
    {
      when: 'the completion took effect, and its answer was lost',
      fault: {
        operation: 'CompleteMultipartUpload',
        action: { kind: 'resetResponse' },
        times: 1,
      },
    },
    {
      when: 'a part gets no answer',
      fault: { operation: 'UploadPart', action: { kind: 'stall' }, skip: 1, times: 1 },
    },
  ])('when $when', async ({ fault }) => {
    const met = await exportMeeting(manyParts, fault);
    await expectWhole(met.id);
    expect(await met.fault.hits()).toBe(fault.times);
    // Mended by the client of S3 itself: the source was read once.
    expect(await attemptsOf(met.id)).toEqual(['done']);
  });
});

test('an export whose parts are refused for ever ends failed, and nothing is left of it', async () => {
  expect(await ended(refused, 100)).toMatchObject({
    status: 'failed',
    file: null,
    error: { code: 'storage_error' },
  });
  expect((await download(refused)).problem()).toMatchObject({ status: 409, code: 'not_ready' });
  expect(await attemptsOf(refused)).toEqual([...Array(5).fill('retried'), 'failed']);
  await expectLeft(refused, 0);
  await expectEvents(refused, 'failed');
}, 120_000);
