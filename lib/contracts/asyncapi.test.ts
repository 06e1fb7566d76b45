import { expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { z } from 'zod';
import { asyncApi } from './asyncapi.ts';
import { clientMessages, serverMessages, socketMessageName } from './asyncapi-live.ts';
import { liveMessageSchema, liveRequestSchema } from './live.ts';

const schemas = new Ajv({ strict: false }).addSchema(asyncApi, 'asyncapi');
formats.default(schemas);

const messageSchema = z.object({
  payload: z.looseObject({}),
  examples: z.array(z.object({ payload: z.unknown() })),
});
/** As JSON: what is undefined is not published. */
const published: unknown = JSON.parse(JSON.stringify(asyncApi.components.messages));
const withExamples = Object.entries(z.record(z.string(), z.unknown()).parse(published)).flatMap(
  ([name, message]) => {
    const { data } = messageSchema.safeParse(message);
    return data ? [{ name, ...data }] : [];
  },
);

test.each(withExamples)(
  'the examples of $name are valid by its schema',
  ({ payload, examples }) => {
    expect(examples).not.toEqual([]);
    for (const example of examples) {
      const isValid = schemas.validate(payload, example.payload);
      expect([example, isValid, schemas.errors]).toEqual([example, true, null]);
    }
  },
);

test('AsyncAPI has an example of every message that a client sends or gets on the socket', () => {
  const names = withExamples.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(
      [...Object.keys(clientMessages), ...Object.keys(serverMessages)].map(socketMessageName),
    ),
  );
});

test('AsyncAPI has every message of the socket, under its own action or type', () => {
  expect(Object.keys(clientMessages).toSorted()).toEqual(
    liveRequestSchema.options.map(({ shape }) => shape.action.value).toSorted(),
  );
  expect(Object.keys(serverMessages).toSorted()).toEqual(
    liveMessageSchema.options.map(({ shape }) => shape.type.value).toSorted(),
  );
});
