import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { monthOfOrders, readExport } from '../support/api.ts';
import { consume, type Topic } from '../support/events.ts';
import { assertComplete, assertNoFile, attemptsOf } from '../support/export-invariants.ts';
import type { Fault } from '../support/faults/fault-rules.ts';
import { clearFaults, exportMeeting } from '../support/faults/storage-faults.ts';
import { referenceCsv, sourceUrl, sql, stack } from '../support/stack.ts';
import { sweep } from '../support/sweep.ts';
import { waitFor } from '../support/wait-for.ts';

const rows = 130_000;
/** A file of seven parts, 5 MiB each and the last one smaller, so that a middle part can be interrupted. */
const manyParts = { sources: ['sales'], dataset: 'storage_rows', format: 'csv' };
let results: Topic;
let reference: Buffer;
/** The exports that take long (all attempts, a missing answer) start first and are checked last. */
let rejectedId: string;
let unanswered: Awaited<ReturnType<typeof exportMeeting>>;

beforeAll(async () => {
  await sql(
    sourceUrl('sales'),
    `create or replace view storage_rows as
       select n as id, repeat(md5(n::text), 8) as text from generate_series(1, ${rows}) n`,
  );
  results = await consume('exports.results');
  reference = await referenceCsv('sales', 'select * from storage_rows');
  const rejectedExport = await exportMeeting(monthOfOrders, {
    operation: 'UploadPart',
    action: { kind: 'answer', status: 500, code: 'InternalError' },
  });
  rejectedId = rejectedExport.id;
  unanswered = await exportMeeting(manyParts, {
    operation: 'UploadPart',
    action: { kind: 'stall' },
    skip: 1,
    times: 1,
  });
});
afterAll(async () => {
  await clearFaults();
  await results.close();
});

describe('faults of the storage', () => {
  test.each<{ when: string; fault: Omit<Fault, 'key'> }>([
    {
      when: 'an UploadPart is answered 500 twice',
      fault: {
        operation: 'UploadPart',
        action: { kind: 'answer', status: 500, code: 'InternalError' },
        skip: 1,
        times: 2,
      },
    },
    {
      when: 'an UploadPart is answered 503 SlowDown twice',
      fault: {
        operation: 'UploadPart',
        action: { kind: 'answer', status: 503, code: 'SlowDown' },
        skip: 1,
        times: 2,
      },
    },
    {
      when: 'the connection breaks in the middle of an UploadPart',
      fault: {
        operation: 'UploadPart',
        action: { kind: 'reset', afterBytes: 3_000_000 },
        skip: 1,
        times: 1,
      },
    },
    {
      when: 'the upload is completed and the answer is lost',
      fault: {
        operation: 'CompleteMultipartUpload',
        action: { kind: 'resetResponse' },
        times: 1,
      },
    },
  ])('an export is ready after one attempt when $when', async ({ fault }) => {
    await assertRecovered(await exportMeeting(manyParts, fault), fault.times);
  });

  test('an export is ready after one attempt when an UploadPart gets no answer', () =>
    assertRecovered(unanswered, 1));
});

async function assertRecovered(
  { id, fault }: Awaited<ReturnType<typeof exportMeeting>>,
  times: number | undefined,
): Promise<void> {
  const { file } = await assertComplete(id, { reference, results });
  expect(file?.rows).toBe(rows);
  expect(await fault.hits()).toBe(times);
  // The S3 client recovered by itself: the source was read once.
  expect(await attemptsOf(id)).toEqual(['done']);
}

test('an export whose uploads always fail ends as failed, and nothing of it is left', async () => {
  // Skips the delays between the attempts, of which the last alone is 16 s or more.
  await waitFor(
    'the export has failed',
    async () => {
      await sql(
        stack.postgres.catalogue,
        `update units set not_before = now() where export_id = $1 and state = 'queued'`,
        [rejectedId],
      );
      await sweep();
      return (await readExport(rejectedId)).status === 'failed' ? true : undefined;
    },
    { seconds: 100, everyMs: 500 },
  );
  const { error } = await assertNoFile(rejectedId, { status: 'failed', results });
  expect(error).toEqual({
    code: 'storage_error',
    message:
      'The object storage did not answer. It was tried 6 times. Try again in a few minutes. If it fails again, contact your administrator.',
  });
  expect(await attemptsOf(rejectedId)).toEqual([...Array(5).fill('retried'), 'failed']);
});
