import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportRejectedSchema, exportResultSchema } from '../../lib/contracts/events.ts';
import { call, monthOfOrders } from '../support/api.ts';
import {
  consume,
  inBinaryMode,
  produce,
  requested,
  resultOf,
  resultsOf,
  type Topic,
} from '../support/events.ts';
import { credentials, referenceCsv, sortedLines } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const requestedBy = credentials.demo.email;
const withKey = { 'x-api-key': credentials.demo.apiKey };
let results: Topic;
let deadLetters: Topic;

beforeAll(async () => {
  results = await consume('exports.results');
  deadLetters = await consume('exports.requested.dlq');
});
afterAll(async () => {
  await results.close();
  await deadLetters.close();
});

const ask = (...events: object[]) =>
  produce(
    'exports.requested',
    events.map((event) => ({ value: JSON.stringify(event) })),
  );

describe('requests by event', () => {
  test('an event creates an export, and only the key of its owner can use the link in the result', async () => {
    const event = requested({ ...monthOfOrders, requestedBy });
    await ask(event);
    const accepted = exportResultSchema.parse(await resultOf(results, event.id, 'accepted'));
    const completed = exportResultSchema.parse(await resultOf(results, event.id, 'completed'));
    expect(completed.data).toMatchObject({
      id: accepted.data.id,
      status: 'ready',
      owner: requestedBy,
    });
    expect(completed.data.message).toMatch(/^The export of orders of sales is ready: \d+ rows/);

    const link = completed.data.downloadUrl;
    const download = await call('GET', link, { headers: withKey, redirect: 'follow' });
    const reference = await referenceCsv(
      'sales',
      `select * from orders where ordered_at >= '2024-03-01' and ordered_at < '2024-04-01'`,
    );
    expect(sortedLines(download.bytes)).toBe(sortedLines(reference));
    expect((await call('GET', link)).problem().status).toBe(401);
    const theirs = { 'x-api-key': credentials.other.apiKey };
    expect((await call('GET', link, { headers: theirs })).problem().status).toBe(404);
    const browser = await call('GET', link, { headers: { accept: 'text/html,*/*;q=0.8' } });
    expect([browser.status, browser.headers.get('location')]).toEqual([
      302,
      `/exports/${accepted.data.id}`,
    ]);
    const key = results.messages.find(({ value }) => String(value).includes(event.id))?.key;
    expect(String(key)).toBe(accepted.data.id);
  });

  test('two events with the same id create one export', async () => {
    const event = requested({ ...monthOfOrders, columns: ['id'], requestedBy });
    const last = requested({ ...monthOfOrders, columns: ['id'], requestedBy });
    await ask(event, event);
    await ask(event);
    await resultOf(results, event.id, 'completed');
    await ask(event, last);
    await resultOf(results, last.id, 'completed');
    expect(resultsOf(results, event.id, 'accepted')).toHaveLength(1);
    expect(resultsOf(results, event.id, 'completed')).toHaveLength(1);
  });

  test.each([
    ['an unknown dataset', { ...monthOfOrders, dataset: 'nope', requestedBy }, 'dataset'],
    ['an unknown field', { ...monthOfOrders, bogus: 1, requestedBy }, 'bogus'],
    [
      'an unknown account',
      { ...monthOfOrders, requestedBy: 'unknown@streamsync.example' },
      'requestedBy',
    ],
    ['no account', monthOfOrders, 'requestedBy'],
  ])('an event with %s is rejected once, with the field', async (_name, data, field) => {
    const event = requested(data);
    await ask(event);
    const { problem } = await rejected(event.id);
    expect(problem).toMatchObject({ status: 422, errors: [{ field }] });
    await ask(event);
    const next = requested({ ...monthOfOrders, columns: ['id'], requestedBy });
    await ask(next);
    await resultOf(results, next.id, 'accepted');
    expect(resultsOf(results, event.id, 'rejected')).toHaveLength(1);
  });

  test('an event with an inexact number is rejected; a result event has no values of conditions', async () => {
    const where = [
      {
        any: [
          { column: 'id', op: 'between', value: [1, 77_777] },
          { column: 'status', op: 'isDistinctFrom', value: null },
        ],
      },
    ];
    const event = requested({ ...monthOfOrders, where, requestedBy });
    const inexact = requested({ ...monthOfOrders, where, requestedBy });
    const text = JSON.stringify(inexact).replace('77777', '9007199254740993');
    await produce('exports.requested', [{ value: text }]);
    await ask(event);
    const { data } = exportRejectedSchema.parse(await resultOf(results, inexact.id, 'rejected'));
    expect(data.problem).toMatchObject({ status: 422, errors: [{ field: 'where.0.any.0.value' }] });
    const completed = exportResultSchema.parse(await resultOf(results, event.id, 'completed'));
    expect(completed.data.request.where).toEqual([
      {
        any: [
          { column: 'id', op: 'between' },
          { column: 'status', op: 'isDistinctFrom' },
        ],
      },
    ]);
  });

  test('an event whose data is not an object is rejected', async () => {
    const event = requested('orders, please');
    await ask(event);
    const { data } = exportRejectedSchema.parse(await resultOf(results, event.id, 'rejected'));
    expect(data.problem.code).toBe('malformed_body');
  });

  test('an event with the id of another request is rejected as a conflict', async () => {
    const id = randomUUID();
    await ask(requested({ ...monthOfOrders, columns: ['id'], requestedBy }, id));
    await resultOf(results, id, 'accepted');
    await ask(requested({ ...monthOfOrders, columns: ['total'], requestedBy }, id));
    const { data } = exportRejectedSchema.parse(await resultOf(results, id, 'rejected'));
    expect(data.problem.code).toBe('idempotency_conflict');
  });
});

describe('requests by event in binary mode', () => {
  const event = (data: object = {}) => ({
    ...requested({ ...monthOfOrders, columns: ['id'], requestedBy, ...data }),
    time: new Date().toISOString(),
  });

  test('an event in binary mode is the same as in structured mode, and its errors are reported', async () => {
    const [good, bad, noData, large] = [event(), event({ format: 'csvv' }), event(), event()];
    const padded = { ...inBinaryMode(large), value: JSON.stringify({ text: 'x'.repeat(300_000) }) };
    await produce(
      'exports.requested',
      [
        inBinaryMode(good),
        { value: JSON.stringify(good) },
        inBinaryMode(bad),
        inBinaryMode({ ...noData, data: undefined }),
        padded,
      ].map((message) => ({ ...message, partition: 0 })),
    );
    const { code } = (await rejected(large.id)).problem;
    expect(code).toBe('too_large');
    expect((await rejected(bad.id)).problem.errors?.[0]?.field).toBe('format');
    expect((await rejected(noData.id)).problem.code).toBe('malformed_body');
    const { data } = await resultOf(results, good.id, 'accepted');
    expect(data).toMatchObject({ owner: requestedBy, request: { columns: ['id'] } });
    expect(resultsOf(results, good.id, 'accepted')).toHaveLength(1);
    expect(resultsOf(results, good.id, 'rejected')).toHaveLength(0);
  });

  test('an event with headers that are not attributes is sent to the dead letter topic with a reason', async () => {
    const { value, headers } = inBinaryMode(event());
    const wrong: [Record<string, Buffer | string>, RegExp][] = [
      [{ 'content-type': 'text/csv' }, /content-type must be application\/json/],
      [{ ce_Trace: 'a' }, /ce_Trace is not an attribute name/],
      [{ ce_data: '{}' }, /ce_data is reserved in binary mode/],
      [{ ce_trace: Buffer.from([0xff, 0xfe]) }, /ce_trace must be UTF-8/],
      [{ ce_trace: 'x'.repeat(5_000) }, /ce_trace must have at most 4096 bytes/],
      [
        Object.fromEntries(Array.from({ length: 70 }, (_, n) => [`ce_x${n}`, 'x'])),
        /at most 64 attributes/,
      ],
      [{ ce_specversion: '0.3' }, /specversion/],
    ];
    const marks = wrong.map(() => randomUUID());
    await produce(
      'exports.requested',
      wrong.map(([more], n) => ({ value, headers: { ...headers, ...more, mark: marks[n] ?? '' } })),
    );
    for (const [n, [, reason]] of wrong.entries()) {
      const deadLetter = await waitFor('the dead letter arrives', async () =>
        deadLetters.messages.find((message) => message.headers.mark === marks[n]),
      );
      expect(deadLetter.headers.reason).toMatch(reason);
    }
    // The content type says that the value is the event in structured mode.
    const structured = event();
    await produce('exports.requested', [
      {
        value: JSON.stringify(structured),
        headers: { ...headers, 'content-type': 'application/cloudevents+json; charset=UTF-8' },
      },
    ]);
    await resultOf(results, structured.id, 'accepted');
  });
});

async function rejected(id: string) {
  return exportRejectedSchema.parse(await resultOf(results, id, 'rejected')).data;
}

describe('messages that are not events', () => {
  test.each([
    ['bytes that are not text', Buffer.from([0xff, 0x00, 0xfe, 0x7b])],
    ['truncated JSON', Buffer.from('{"specversion":"1.0","id":')],
    ['JSON that is not an event', Buffer.from('{"hello":"world"}')],
    ['an array', Buffer.from('[1,2,3]')],
    ['an event of another type', Buffer.from(JSON.stringify({ ...requested({}), type: 'x' }))],
  ])(
    'a message with %s is sent to the dead letter topic unchanged, and the next is handled',
    async (_name, value) => {
      const mark = randomUUID();
      const next = requested({ ...monthOfOrders, columns: ['id'], requestedBy });
      await produce('exports.requested', [{ value, headers: { mark, trace: 'abc' } }]);
      await ask(next);
      await resultOf(results, next.id, 'accepted');
      const deadLetter = await waitFor('the dead letter arrives', async () =>
        deadLetters.messages.find(({ headers }) => headers.mark === mark),
      );
      expect(deadLetter.value?.equals(value)).toBe(true);
      expect(deadLetter.headers).toMatchObject({
        mark,
        trace: 'abc',
        topic: 'exports.requested',
        partition: expect.stringMatching(/^\d+$/),
        offset: expect.stringMatching(/^\d+$/),
        reason: expect.stringMatching(/./),
      });
    },
  );

  test('a message without a value is sent to the dead letter topic', async () => {
    const mark = randomUUID();
    await produce('exports.requested', [{ value: null, headers: { mark } }]);
    const deadLetter = await waitFor('the dead letter arrives', async () =>
      deadLetters.messages.find(({ headers }) => headers.mark === mark),
    );
    expect(deadLetter.value).toBeNull();
  });
});
