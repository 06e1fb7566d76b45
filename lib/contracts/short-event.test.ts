import { expect, test } from '@jest/globals';
import { exportRejectedSchema, exportResultSchema } from './events.ts';
import { documentExample, eventExample, fileLinkExample } from './examples.ts';
import { shortEvent } from './short-event.ts';

const long = 'x'.repeat(50_000);

test('shortEvent returns the same event without the fields that grow with the request', () => {
  const event = {
    ...eventExample,
    source: '/streamsync',
    type: 'streamsync.export.failed.v1',
    data: {
      ...documentExample,
      request: {
        ...documentExample.request,
        columns: Array.from({ length: 1_000 }, (_, n) => `column_${n}`),
        where: [{ column: 'status', op: 'in' }],
      },
      error: { code: 'source_error', message: long },
      requestId: eventExample.id,
      downloadUrl: fileLinkExample,
      message: long,
    },
  };
  const json = shortEvent(JSON.stringify(event)) ?? '';
  expect(json.length).toBeLessThan(5_000);
  const short = exportResultSchema.parse(JSON.parse(json));
  expect(short).toMatchObject({
    id: event.id,
    source: event.source,
    type: event.type,
    data: { id: documentExample.id, status: documentExample.status, file: documentExample.file },
  });
  expect(short.data.request).toEqual(documentExample.request);
});

test('shortEvent removes the fields of a rejection and shortens its texts', () => {
  const event = {
    ...eventExample,
    source: '/streamsync',
    type: 'streamsync.export.rejected.v1',
    data: {
      requestId: eventExample.id,
      message: long,
      problem: {
        type: 'urn:streamsync:problem:invalid_request',
        title: 'A field or value is not allowed',
        status: 422,
        detail: long,
        code: 'invalid_request',
        requestId: eventExample.id,
        errors: Array.from({ length: 500 }, () => ({ field: 'x', message: long, allowed: [long] })),
      },
    },
  };
  const json = shortEvent(JSON.stringify(event)) ?? '';
  expect(json.length).toBeLessThan(5_000);
  const short = exportRejectedSchema.parse(JSON.parse(json));
  expect(short.data.problem.code).toBe('invalid_request');
  expect(short.data.problem.errors).toBeUndefined();
});

test.each(['', 'no JSON', '[]', '{"data":7}'])('shortEvent returns undefined for %j', (json) => {
  expect(shortEvent(json)).toBeUndefined();
});
