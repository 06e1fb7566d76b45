import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  asDemo,
  call,
  createExport,
  download,
  ended,
  monthOfOrders,
  readExport,
  ticketFor,
} from '../support/api.ts';
import { deliveriesOf, downloadedEvents, recordedDeliveries } from '../support/deliveries.ts';
import { consume, produce, type Topic } from '../support/events.ts';
import { credentials, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

let deadLetters: Topic;
beforeAll(async () => {
  deadLetters = await consume('deliveries.dlq');
});
afterAll(() => deadLetters.close());

const ready = async (request: object = monthOfOrders) => {
  const document = await ended((await createExport(request)).id);
  if (document.file === null) throw new Error(`the export is ${document.status}`);
  return { id: document.id, ...document.file };
};

const isDownloaded = (id: string) =>
  waitFor('the export is downloaded', async () => (await readExport(id)).downloadedAt ?? undefined);

test('a download of the whole file is recorded with its request, and reported once', async () => {
  const { id, bytes } = await ready();
  await download(id);
  const first = await isDownloaded(id);
  await download(id);
  const deliveries = await recordedDeliveries(id, 2);
  const whole = { status: 200, first_byte: 0, bytes, complete: true, address: '127.0.0.1' };
  expect(deliveries).toMatchObject([whole, whole]);
  expect(await downloadedEvents(id)).toHaveLength(1);
  expect((await readExport(id)).downloadedAt).toBe(first);
  const audited = await sql(
    stack.postgres.catalogue,
    `select actor, address, outcome, details from audit.entries
     where action = 'download.deliver' and export_id = $1 order by id`,
    [id],
  );
  expect(audited).toEqual(
    deliveries.map(({ request_id }) => ({
      actor: credentials.demo.email,
      address: '127.0.0.1',
      outcome: 'done',
      details: { requestId: request_id, firstByte: 0, bytes, complete: true },
    })),
  );
});

test('HEAD, 304 and refusals are no deliveries', async () => {
  const { id, bytes } = await ready();
  const url = await ticketFor(id);
  expect((await call('HEAD', url)).status).toBe(200);
  const range = (from: number, to: number) =>
    call('GET', url, { headers: { ...asDemo, range: `bytes=${from}-${to}` } });
  const first = await range(0, 9);
  const etag = first.headers.get('etag') ?? '';
  expect((await call('GET', url)).status).toBe(403);
  const cached = { ...asDemo, 'if-none-match': etag };
  expect((await call('GET', url, { headers: cached })).status).toBe(304);
  // After the end, in the last slice and in one that does not exist.
  for (const from of [bytes, bytes + 10 * 2 ** 20])
    expect((await range(from, from + 9)).status).toBe(416);
  // The log has one order: what is before this range was recorded before it, or never.
  await range(20, 29);
  const deliveries = await recordedDeliveries(id, 2);
  expect(deliveries.map(({ first_byte, bytes: sent }) => [first_byte, sent])).toEqual([
    [0, 10],
    [20, 10],
  ]);
  expect((await readExport(id)).downloadedAt).toBeNull();
});

test('a request for several ranges gets the whole file, which counts', async () => {
  const { id, bytes } = await ready();
  const headers = { ...asDemo, range: 'bytes=0-9,20-29' };
  const answer = await call('GET', await ticketFor(id), { headers });
  expect([answer.status, answer.bytes.length]).toEqual([200, bytes]);
  await isDownloaded(id);
});

test('an empty file is downloaded by one request', async () => {
  const noRows = { column: 'status', op: 'eq', value: 'no such status' };
  const { id, bytes } = await ready({ ...monthOfOrders, format: 'ndjson', where: [noRows] });
  expect(bytes).toBe(0);
  await download(id);
  await isDownloaded(id);
});

test('a delivery counts once, for the object and the account that it names', async () => {
  const { id, bytes } = await ready();
  const [row] = await sql<{ account: string; key: string }>(
    stack.postgres.catalogue,
    'select owner_id as account, object_key as key from exports where id = $1',
    [id],
  );
  if (!row) throw new Error('the export is not in the catalogue');
  const [stranger] = await sql<{ id: string }>(
    stack.postgres.catalogue,
    `select id from accounts where email like 'other@%'`,
  );
  const eventOf = (data: object, requestId: string = randomUUID()) => ({
    value: JSON.stringify({
      specversion: '1.0',
      id: requestId,
      source: '/nginx',
      type: 'streamsync.file.delivered.v1',
      time: new Date().toISOString(),
      data: {
        ticketId: randomUUID(),
        exportId: id,
        accountId: row.account,
        objectKey: row.key,
        address: '::1',
        status: 206,
        firstByte: 0,
        bytes,
        complete: true,
        ...data,
      },
    }),
  });
  const twice = eventOf({ bytes: bytes - 1 });
  const broken = { value: `{"broken":"${id}"` };
  await produce('deliveries', [
    twice,
    broken,
    eventOf({ objectKey: `${row.key}-of-an-earlier-run` }),
    eventOf({ accountId: stranger?.id }),
    twice,
    eventOf({ exportId: randomUUID() }),
  ]);
  await waitFor('both bad records are dead letters', async () => {
    const ours = deadLetters.messages.filter(({ value }) =>
      /broken|of-an/.test(String(value))
        ? String(value).includes(id)
        : String(value).includes(row.key),
    );
    return ours.length === 2 ? true : undefined;
  });
  expect(await deliveriesOf(id)).toHaveLength(3);
  expect((await readExport(id)).downloadedAt).toBeNull();
  await produce('deliveries', [eventOf({ firstByte: bytes - 1, bytes: 1 })]);
  await isDownloaded(id);
  expect(await downloadedEvents(id)).toHaveLength(1);
});
