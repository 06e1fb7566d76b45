import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { monthOfOrders, readExport } from '../stack/api.ts';
import { follow, type Topic } from '../stack/events.ts';
import type { Fault } from '../stack/fault-rules.ts';
import { attemptsOf, requireNone, requireWhole } from '../stack/proof.ts';
import { referenceCsv, sourceUrl, sql, stack } from '../stack/stack.ts';
import { clearFaults, exportMeeting } from '../stack/storage-faults.ts';
import { sweep } from '../stack/sweep.ts';
import { until } from '../stack/until.ts';

const rows = 130_000;
/** Seven parts of 5 MiB, the last one smaller: there is a middle to be interrupted in. */
const manyParts = { sources: ['sales'], dataset: 'storage_rows', format: 'csv' };
let results: Topic;
let reference: Buffer;
/** Those that take time by themselves (tries, the wait for an answer) are begun first, and looked at last. */
let refused: string;
let unanswered: Awaited<ReturnType<typeof exportMeeting>>;

beforeAll(async () => {
  await sql(
    sourceUrl('sales'),
    `create or replace view storage_rows as
       select n as id, repeat(md5(n::text), 8) as text from generate_series(1, ${rows}) n`,
  );
  results = await follow('exports.results');
  reference = await referenceCsv('sales', 'select * from storage_rows');
  const met = await exportMeeting(monthOfOrders, {
    operation: 'UploadPart',
    action: { kind: 'answer', status: 500, code: 'InternalError' },
  });
  refused = met.id;
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
  ])('when $when', async ({ fault }) => {
    await requireMended(await exportMeeting(manyParts, fault), fault.times);
  });

  test('when a part gets no answer', () => requireMended(unanswered, 1));
});

async function requireMended(
  { id, fault }: Awaited<ReturnType<typeof exportMeeting>>,
  times: number | undefined,
): Promise<void> {
  const { file } = await requireWhole(id, { reference, results });
  expect(file?.rows).toBe(rows);
  expect(await fault.hits()).toBe(times);
  // Mended by the client of S3 itself: the source was read once.
  expect(await attemptsOf(id)).toEqual(['done']);
}

test('an export whose parts are refused for ever ends failed, and nothing is left of it', async () => {
  // As if the waits between its tries were over, of which the last alone is 16 s or more.
  await until(
    'it has failed',
    async () => {
      await sql(
        stack.postgres.catalogue,
        `update units set not_before = now() where export_id = $1 and state = 'queued'`,
        [refused],
      );
      await sweep();
      return (await readExport(refused)).status === 'failed' ? true : undefined;
    },
    { seconds: 100, everyMilliseconds: 500 },
  );
  const { error } = await requireNone(refused, { status: 'failed', results });
  expect(error).toEqual({
    code: 'storage_error',
    message:
      'The object storage did not answer. It was tried 6 times. Try again in some minutes; if that does not help, tell your administrator.',
  });
  expect(await attemptsOf(refused)).toEqual([...Array(5).fill('retried'), 'failed']);
});
