import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { asDemo, call, ended, monthOfOrders } from '../support/api.ts';
import { consume, produce, requested, resultOf, resultsOf, type Topic } from '../support/events.ts';
import { assertComplete, attemptsOf } from '../support/export-invariants.ts';
import { credentials, referenceCsv, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const requestedBy = credentials.demo.email;
let results: Topic;
let deadRequests: Topic;
let deadWork: Topic;
let work: Topic;
let reference: Buffer;

beforeAll(async () => {
  results = await consume('exports.results');
  deadRequests = await consume('exports.requested.dlq');
  deadWork = await consume('exports.work.dlq');
  work = await consume('exports.work');
  reference = await referenceCsv(
    'sales',
    `select * from orders where ordered_at >= '2024-03-01' and ordered_at < '2024-04-01'`,
  );
});
afterAll(async () => {
  for (const topic of [results, deadRequests, deadWork, work]) await topic.close();
});

test('20 concurrent requests with one idempotency key create one export', async () => {
  const headers = { ...asDemo, 'idempotency-key': randomUUID() };
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => call('POST', '/exports', { headers, body: monthOfOrders })),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(202));
  const ids = new Set(answers.map((answer) => answer.json(exportDocumentSchema).id));
  expect(ids.size).toBe(1);
  const [id = ''] = ids;
  await assertComplete(id, { reference, results });
  expect(await attemptsOf(id)).toEqual(['done']);
});

test('20 copies of one event create one export', async () => {
  const event = requested({ ...monthOfOrders, requestedBy });
  await produce(
    'exports.requested',
    Array.from({ length: 20 }, (_, n) => ({ key: String(n), value: JSON.stringify(event) })),
  );
  const { data } = await resultOf(results, event.id, 'completed');
  const { id } = z.object({ id: z.string() }).parse(data);
  await assertComplete(id, { reference, results });
  expect(await attemptsOf(id)).toEqual(['done']);
  const created = await sql(
    stack.postgres.catalogue,
    'select 1 from exports where request_event_id = $1',
    [event.id],
  );
  expect(created).toHaveLength(1);
});

test('messages that are delivered three times have the effect of one delivery', async () => {
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
  // Sent to the same partitions last: when this export is ready, the others have been handled.
  const last = requested({ ...monthOfOrders, requestedBy });
  await produce('exports.requested', [{ value: JSON.stringify(last) }]);
  await resultOf(results, last.id, 'completed');
  expect(
    (await call('GET', `/exports/${id}`, { headers: asDemo })).json(exportDocumentSchema),
  ).toEqual(before.json(exportDocumentSchema));
  await assertComplete(id, { reference, results });
  expect(await attemptsOf(id)).toEqual(['done']);
  expect(resultsOf(results, event.id, 'accepted')).toHaveLength(1);
});

// The seed is in the output, so that a finding can be reproduced.
const seed = Date.now();
beforeAll(() => console.info(`seed of the messages: ${seed}`));

/** Includes control characters and NUL, which no database accepts. */
const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constant('a\u0000b'));

/** Messages with every kind of error, and some valid ones. */
const anyMessage = fc.oneof(
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

/** Lambda does not distinguish an empty value from a missing one. */
const asDelivered = (value: Buffer): Buffer | null => (value.length === 0 ? null : value);

/** An event that can be answered, because it has an id. */
const answerableSchema = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1).max(255),
  source: z.string().min(1).max(255),
  type: z.literal('streamsync.export.requested.v1'),
});

/** PostgreSQL's text cannot contain NUL: such an event is sent to the dead letter topic. */
function hasNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0');
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, of]) => name.includes('\0') || hasNul(of));
}

function readable(value: Buffer): z.infer<typeof answerableSchema> | undefined {
  try {
    const event: unknown = JSON.parse(value.toString());
    return hasNul(event) ? undefined : answerableSchema.parse(event);
  } catch {
    return undefined;
  }
}

test('every message to exports.requested is accepted, rejected or kept unchanged as a dead letter, and the next is handled', async () => {
  const sent = fc.sample(anyMessage, { numRuns: 300, seed });
  const marked = sent.map((value) => ({ value, mark: randomUUID() }));
  await produce(
    'exports.requested',
    marked.map(({ value, mark }, n) => ({ key: String(n % 7), value, headers: { mark } })),
  );
  const last = requested({ ...monthOfOrders, requestedBy });
  await produce('exports.requested', [{ value: JSON.stringify(last) }]);
  await resultOf(results, last.id, 'completed');

  const deadLetters = () =>
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
  await waitFor(
    'each message is answered or kept as a dead letter',
    async () =>
      marked.every(({ value, mark }) => {
        const event = readable(value);
        return deadLetters().has(mark) || (event !== undefined && isAnswered(event.id));
      })
        ? true
        : undefined,
    { seconds: 60, everyMs: 500 },
  );
  for (const { value, mark } of marked) {
    const message = deadLetters().get(mark);
    if (readable(value) === undefined) expect(message?.value).toEqual(asDelivered(value));
    else expect(message).toBeUndefined();
  }
});

test('every message to exports.work is kept unchanged as a dead letter or dropped, and units continue', async () => {
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
  const malformed = fc.sample(anyMessage, { numRuns: 40, seed });
  const stale = fc.sample(unknown, { numRuns: 20, seed });
  const marked = [...malformed, ...stale].map((value) => ({ value, mark: randomUUID() }));
  await produce(
    'exports.work',
    marked.map(({ value, mark }, n) => ({ partition: n % 4, value, headers: { mark } })),
  );
  // More requests than partitions, so that each partition has one after the messages.
  const answers = await Promise.all(
    Array.from({ length: 8 }, () =>
      call('POST', '/exports', { headers: asDemo, body: monthOfOrders }),
    ),
  );
  for (const answer of answers)
    expect((await ended(answer.json(exportDocumentSchema).id, 90)).status).toBe('ready');
  const before = marked.slice(0, malformed.length);
  const marks = () => new Set(deadWork.messages.map(({ headers }) => headers.mark));
  await waitFor('all unreadable messages are kept as dead letters', async () =>
    before.every(({ mark }) => marks().has(mark)) ? true : undefined,
  );
  const deadLetters = new Map(
    deadWork.messages.map((message) => [String(message.headers.mark), message.value]),
  );
  for (const { value, mark } of before) expect(deadLetters.get(mark)).toEqual(asDelivered(value));
});
