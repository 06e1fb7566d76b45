import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { asDemo, call, ended, monthOfOrders } from '../stack/api.ts';
import { follow, produce, requested, resultOf, resultsOf, type Topic } from '../stack/events.ts';
import { attemptsOf, requireWhole } from '../stack/proof.ts';
import { credentials, referenceCsv, sql, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

const requestedBy = credentials.demo.email;
let results: Topic;
let deadRequests: Topic;
let deadWork: Topic;
let work: Topic;
let reference: Buffer;

beforeAll(async () => {
  results = await follow('exports.results');
  deadRequests = await follow('exports.requested.dlq');
  deadWork = await follow('exports.work.dlq');
  work = await follow('exports.work');
  reference = await referenceCsv(
    'sales',
    `select * from orders where ordered_at >= '2024-03-01' and ordered_at < '2024-04-01'`,
  );
});
afterAll(async () => {
  for (const topic of [results, deadRequests, deadWork, work]) await topic.close();
});

test('the same request 20 times at once by the API is one export', async () => {
  const headers = { ...asDemo, 'idempotency-key': randomUUID() };
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => call('POST', '/exports', { headers, body: monthOfOrders })),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(202));
  const ids = new Set(answers.map((answer) => answer.json(exportDocumentSchema).id));
  expect(ids.size).toBe(1);
  const [id = ''] = ids;
  await requireWhole(id, { reference, results });
  expect(await attemptsOf(id)).toEqual(['done']);
});

test('the same event 20 times at once is one export', async () => {
  const event = requested({ ...monthOfOrders, requestedBy });
  await produce(
    'exports.requested',
    Array.from({ length: 20 }, (_, n) => ({ key: String(n), value: JSON.stringify(event) })),
  );
  const { data } = await resultOf(results, event.id, 'completed');
  const { id } = z.object({ id: z.string() }).parse(data);
  await requireWhole(id, { reference, results });
  expect(await attemptsOf(id)).toEqual(['done']);
  const made = await sql(
    stack.postgres.catalogue,
    'select 1 from exports where request_event_id = $1',
    [event.id],
  );
  expect(made).toHaveLength(1);
});

test('every message delivered twice more changes nothing', async () => {
  const event = requested({ ...monthOfOrders, requestedBy });
  await produce('exports.requested', [{ value: JSON.stringify(event) }]);
  const { data } = await resultOf(results, event.id, 'completed');
  const { id } = z.object({ id: z.string() }).parse(data);
  const before = await call('GET', `/exports/${id}`, { headers: asDemo });
  const dispatched = work.messages.filter(({ value }) => String(value).includes(id));
  expect(dispatched).toHaveLength(1);
  for (let again = 0; again < 2; again++) {
    await produce('exports.requested', [{ value: JSON.stringify(event) }]);
    await produce(
      'exports.work',
      dispatched.map(({ value, partition }) => ({ value, partition })),
    );
  }
  // Behind them on the same partitions: when this is through, they are.
  const last = requested({ ...monthOfOrders, requestedBy });
  await produce('exports.requested', [{ value: JSON.stringify(last) }]);
  await resultOf(results, last.id, 'completed');
  expect(
    (await call('GET', `/exports/${id}`, { headers: asDemo })).json(exportDocumentSchema),
  ).toEqual(before.json(exportDocumentSchema));
  await requireWhole(id, { reference, results });
  expect(await attemptsOf(id)).toEqual(['done']);
  expect(resultsOf(results, event.id, 'accepted')).toHaveLength(1);
});

// Told, so that what is found can be found again.
const seed = Date.now();
beforeAll(() => console.info(`seed of what is sent: ${seed}`));

/** Control characters and what no database takes, too. */
const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constant('a\u0000b'));

/** Messages of every degree of wrongness, and some that are right. */
const anything = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.json().map((text) => Buffer.from(text)),
  fc
    .record(
      {
        specversion: fc.constantFrom('1.0', '0.3', 1, null),
        id: fc.oneof(fc.uuid(), anyText, fc.integer(), fc.constant('x'.repeat(5_000))),
        source: fc.oneof(fc.constant('/fuzz'), anyText, fc.constant(null)),
        type: fc.oneof(fc.constant('streamsync.export.requested.v1'), fc.string()),
        data: fc.oneof(
          fc.record(
            {
              sources: fc.oneof(fc.constant(['sales']), fc.anything()),
              dataset: fc.oneof(
                fc.constant('orders'),
                anyText,
                fc.constant("o'; drop table orders"),
              ),
              format: fc.oneof(fc.constant('csv'), fc.anything()),
              from: fc.oneof(fc.constant('2024-03-01T00:00:00Z'), fc.string()),
              columns: fc.oneof(fc.constant(['id']), fc.array(anyText), fc.anything()),
              ttlSeconds: fc.oneof(fc.integer(), fc.constant(60)),
              requestedBy: fc.oneof(fc.constant(requestedBy), fc.emailAddress(), fc.anything()),
            },
            { requiredKeys: [] },
          ),
          fc.anything(),
        ),
      },
      { requiredKeys: [] },
    )
    .map((event) => Buffer.from(toJson(event))),
);

const toJson = (value: unknown): string =>
  JSON.stringify(value, (_, it: unknown) => (typeof it === 'bigint' ? String(it) : it)) ?? '';

/** What Lambda is given of a record does not tell an empty value from none. */
const asDelivered = (value: Buffer): Buffer | null => (value.length === 0 ? null : value);

/** An event that can be answered: it has an id by which it is. */
const answerable = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1).max(255),
  source: z.string().min(1).max(255),
  type: z.literal('streamsync.export.requested.v1'),
});

/** No text of PostgreSQL holds it: such an event is put aside. */
function hasNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0');
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, of]) => name.includes('\0') || hasNul(of));
}

function readable(value: Buffer): z.infer<typeof answerable> | undefined {
  try {
    const event: unknown = JSON.parse(value.toString());
    return hasNul(event) ? undefined : answerable.parse(event);
  } catch {
    return undefined;
  }
}

test('whatever is sent to exports.requested is done, rejected, or kept with its bytes; the next is served', async () => {
  const sent = fc.sample(anything, { numRuns: 300, seed });
  const marked = sent.map((value) => ({ value, mark: randomUUID() }));
  await produce(
    'exports.requested',
    marked.map(({ value, mark }, n) => ({ key: String(n % 7), value, headers: { mark } })),
  );
  const last = requested({ ...monthOfOrders, requestedBy });
  await produce('exports.requested', [{ value: JSON.stringify(last) }]);
  await resultOf(results, last.id, 'completed');

  const kept = () =>
    new Map(deadRequests.messages.map((message) => [String(message.headers.mark), message]));
  const answered = new Set<string>();
  const isAnswered = (id: string): boolean => {
    for (const { value } of results.messages) {
      const event = z
        .object({ data: z.object({ requestId: z.string().nullable() }) })
        .parse(JSON.parse(String(value)));
      if (event.data.requestId !== null) answered.add(event.data.requestId);
    }
    return answered.has(id);
  };
  await until(
    'each is answered or kept',
    async () =>
      marked.every(({ value, mark }) => {
        const event = readable(value);
        return kept().has(mark) || (event !== undefined && isAnswered(event.id));
      })
        ? true
        : undefined,
    { seconds: 60, everyMilliseconds: 500 },
  );
  for (const { value, mark } of marked) {
    const message = kept().get(mark);
    if (readable(value) === undefined) expect(message?.value).toEqual(asDelivered(value));
    else expect(message).toBeUndefined();
  }
});

test('whatever is sent to exports.work is kept with its bytes or dropped; units go on', async () => {
  const unknown = fc
    .record({ unitId: fc.uuid(), dispatchId: fc.uuid(), exportId: fc.uuid() })
    .map((data) =>
      Buffer.from(
        JSON.stringify({
          specversion: '1.0',
          id: randomUUID(),
          source: '/fuzz',
          type: 'streamsync.unit.dispatched.v1',
          data,
        }),
      ),
    );
  const wrong = fc.sample(anything, { numRuns: 40, seed });
  const stale = fc.sample(unknown, { numRuns: 20, seed });
  const marked = [...wrong, ...stale].map((value) => ({ value, mark: randomUUID() }));
  await produce(
    'exports.work',
    marked.map(({ value, mark }, n) => ({ partition: n % 4, value, headers: { mark } })),
  );
  // One for each partition and more: all of them are behind what was sent.
  const asked = await Promise.all(
    Array.from({ length: 8 }, () =>
      call('POST', '/exports', { headers: asDemo, body: monthOfOrders }),
    ),
  );
  for (const answer of asked)
    expect((await ended(answer.json(exportDocumentSchema).id, 90)).status).toBe('ready');
  const before = marked.slice(0, wrong.length);
  const marks = () => new Set(deadWork.messages.map(({ headers }) => headers.mark));
  await until('all that cannot be read is kept', async () =>
    before.every(({ mark }) => marks().has(mark)) ? true : undefined,
  );
  const kept = new Map(
    deadWork.messages.map((message) => [String(message.headers.mark), message.value]),
  );
  for (const { value, mark } of before) expect(kept.get(mark)).toEqual(asDelivered(value));
});
