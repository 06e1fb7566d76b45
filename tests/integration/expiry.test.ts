import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  HeadObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { lifecycleRules } from '../../lib/storage/object-keys.ts';
import {
  asDemo,
  call,
  createExport,
  download,
  ended,
  monthOfOrders,
  ticketFor,
} from '../support/api.ts';
import { consume, type Topic } from '../support/events.ts';
import { slowDownload } from '../support/slow-download.ts';
import { home, sql, stack } from '../support/stack.ts';
import { storageClient } from '../support/storage.ts';
import { waitFor } from '../support/wait-for.ts';

const s3 = storageClient();
let results: Topic;

beforeAll(async () => {
  results = await consume('exports.results');
});
afterAll(async () => {
  s3.destroy();
  await results.close();
});

/** Returns the object key of a ready export. */
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
  waitFor('the object is gone', async () => ((await exists(key)) ? undefined : true), {
    seconds: 90,
  });

/** Returns how many files of NGINX's cache have a slice of this object. */
async function cachedSlicesOf(key: string): Promise<number> {
  const cache = join(home(), 'nginx', 'cache');
  const entries = await readdir(cache, { recursive: true, withFileTypes: true });
  const contents = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1').catch(() => '')),
  );
  return contents.filter((content) => content.slice(0, 4_096).includes(`KEY: ${key}`)).length;
}

test('a transfer that began before the expiry ends after it, and no other begins', async () => {
  const { id } = await createExport({ sources: ['sales'], dataset: 'order_items', format: 'csv' });
  const { file } = await ended(id);
  const url = await ticketFor(id);
  const expire = (secondsAgo: number) =>
    sql(
      stack.postgres.catalogue,
      'update exports set expires_at = now() - make_interval(secs => $2) where id = $1',
      [id, secondsAgo],
    );
  // Only the first slices are cached when the export expires.
  const { bytes: running } = await slowDownload(url, () => expire(0));
  expect(createHash('sha256').update(running).digest('hex')).toBe(file?.sha256);
  const answer = await call('GET', url, { headers: asDemo });
  expect(answer.problem()).toMatchObject({ status: 410, code: 'expired' });
});

test('a transfer is cut at the next slice when the grace is over', async () => {
  const { id } = await createExport({ sources: ['sales'], dataset: 'order_items', format: 'csv' });
  const { file } = await ended(id);
  const { bytes: running } = await slowDownload(await ticketFor(id), async () => {
    await sql(
      stack.postgres.catalogue,
      `update exports set expires_at = now() - interval '61 seconds' where id = $1`,
      [id],
    );
  });
  expect(running.length).toBeLessThan(file?.bytes ?? 0);
});

test('the bucket has the lifecycle rules and the encryption of the code, and every object is encrypted', async () => {
  const { Rules = [] } = await s3.send(
    new GetBucketLifecycleConfigurationCommand({ Bucket: stack.s3.bucket }),
  );
  expect(
    Rules.map((rule) => ({
      id: rule.ID,
      prefix: rule.Filter?.Prefix,
      expirationDays: rule.Expiration?.Days,
      abortDays: rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation,
    })),
  ).toEqual(lifecycleRules);
  const { ServerSideEncryptionConfiguration } = await s3.send(
    new GetBucketEncryptionCommand({ Bucket: stack.s3.bucket }),
  );
  expect(ServerSideEncryptionConfiguration?.Rules).toMatchObject([
    { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } },
  ]);

  // One upload, and a file that the storage has copied from the parts of several units.
  const several = { sources: ['sales'], dataset: 'order_items', format: 'csv' };
  const requests = [
    { ...monthOfOrders, ttlSeconds: 86_401 },
    { ...several, consistency: 'resumable', ttlSeconds: 60 },
  ];
  for (const [n, request] of requests.entries()) {
    const { id } = await createExport(request);
    expect((await ended(id)).status).toBe('ready');
    const key = await keyOf(id);
    expect(key).toMatch([/^exports\/7d\//, /^exports\/1d\//][n] ?? /^$/);
    const { ServerSideEncryption } = await s3.send(
      new HeadObjectCommand({ Bucket: stack.s3.bucket, Key: key }),
    );
    expect(ServerSideEncryption).toBe('AES256');
  }
});

test('an expired export is reported, and its object is deleted after the transfer grace', async () => {
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
  await waitFor('the result event', async () =>
    results.messages.find(
      ({ key: subject, value }) =>
        String(subject) === id && String(value).includes('streamsync.export.expired.v1'),
    ),
  );
});

test('a deleted export leaves no object, and no slice in the cache of NGINX', async () => {
  const { id } = await createExport(monthOfOrders);
  await ended(id);
  const key = await keyOf(id);
  await download(id);
  expect(await cachedSlicesOf(key)).toBe(1);
  expect((await call('DELETE', `/exports/${id}`, { headers: asDemo })).status).toBe(204);
  await gone(key);
  await waitFor('the slice is deleted', async () =>
    (await cachedSlicesOf(key)) === 0 ? true : undefined,
  );
});

test('a unit whose message no worker takes is requeued and done', async () => {
  // As if no consumer had run: dispatched long ago, with a message that does not exist.
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
