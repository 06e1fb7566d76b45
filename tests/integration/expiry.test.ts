import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { asDemo, call, createExport, ended, monthOfOrders } from '../stack/api.ts';
import { follow, type Topic } from '../stack/events.ts';
import { sql, stack } from '../stack/stack.ts';
import { storageClient } from '../stack/storage.ts';
import { until } from '../stack/until.ts';

const s3 = storageClient();
let results: Topic;

beforeAll(async () => {
  results = await follow('exports.results');
});
afterAll(async () => {
  s3.destroy();
  await results.close();
});

/** Where the object of a ready export lies. */
async function keyOf(id: string): Promise<string> {
  const [row] = await sql<{ object_key: string }>(
    stack.postgres.catalogue,
    'select object_key from exports where id = $1',
    [id],
  );
  return row?.object_key ?? '';
}

const exists = (key: string): Promise<boolean> =>
  s3.send(new HeadObjectCommand({ Bucket: stack.s3.bucket, Key: key })).then(
    () => true,
    () => false,
  );

const gone = (key: string) =>
  until('the object is gone', async () => ((await exists(key)) ? undefined : true), {
    seconds: 90,
  });

test('an export that has expired is announced, and its object is deleted after the transfer grace', async () => {
  const { id } = await createExport(monthOfOrders);
  await ended(id);
  const key = await keyOf(id);
  expect(await exists(key)).toBe(true);
  await sql(
    stack.postgres.catalogue,
    `update exports set expires_at = now() - interval '2 minutes' where id = $1`,
    [id],
  );
  await gone(key);
  await until('the event', async () =>
    results.messages.find(
      ({ key: subject, value }) =>
        String(subject) === id && String(value).includes('streamsync.export.expired.v1'),
    ),
  );
});

test('a deleted export leaves no object', async () => {
  const { id } = await createExport(monthOfOrders);
  await ended(id);
  const key = await keyOf(id);
  expect((await call('DELETE', `/exports/${id}`, { headers: asDemo })).status).toBe(204);
  await gone(key);
});

test('a unit whose message nobody takes goes back into the queue, and is made', async () => {
  // As if the consumers had been away: dispatched long ago, by a message that is not there.
  const { id } = await createExport(monthOfOrders);
  await ended(id);
  await sql(
    stack.postgres.catalogue,
    `with e as (
       update exports set state = 'dispatched', file = null, manifest = null, object_key = null,
         finished_at = null, expires_at = null where id = $1 returning id
     ), u as (
       update units u set state = 'dispatched', dispatch_id = gen_random_uuid(), partition = 0
       from e where u.export_id = e.id returning u.dispatch_id
     )
     insert into outbox (event_id, topic, value, dispatch_id, sent_at)
     select gen_random_uuid(), 'exports.work', '', dispatch_id, now() - interval '2 minutes' from u`,
    [id],
  );
  expect((await ended(id, 90)).status).toBe('ready');
});
