import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { z } from 'zod';
import { asyncApi } from '../../lib/contracts/asyncapi.ts';
import { codeNames } from '../../lib/contracts/codes.ts';
import { requestExample } from '../../lib/contracts/examples.ts';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { openApi } from '../../lib/contracts/openapi.ts';
import { basePath } from '../../lib/contracts/route.ts';
import { routes } from '../../lib/contracts/routes.ts';
import { sizes, sizeText } from '../../lib/contracts/sizes.ts';
import { topics } from '../../lib/messaging/topics.ts';
import { asDemo, call } from '../stack/api.ts';
import { requireDocumentedEvent } from '../stack/documented.ts';
import { follow, produce, requested, resultOf } from '../stack/events.ts';
import { credentials, home } from '../stack/stack.ts';

const operationSchema = z.looseObject({ operationId: z.string() });

/** What is compared has gone through JSON: undefined fields are none. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('the OpenAPI document that is served is ours, and valid 3.1', async () => {
  const answer = await call('GET', '/openapi.json');
  const served = z.record(z.string(), z.unknown()).parse(JSON.parse(answer.bytes.toString()));
  expect(served).toEqual(plain(openApi));
  expect(await new Validator().validate(served)).toMatchObject({ valid: true });
});

test('the AsyncAPI document that is served is ours, and valid 3.0', async () => {
  const answer = await call('GET', '/asyncapi.json');
  const served: unknown = JSON.parse(answer.bytes.toString());
  expect(served).toEqual(plain(asyncApi));
  const definition = new URL(import.meta.resolve('@asyncapi/specs/schemas/3.0.0-without-$id.json'));
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
  formats.default(ajv);
  const valid = ajv.compile(JSON.parse(await readFile(definition, 'utf8')));
  valid(served);
  expect(valid.errors).toBeNull();
});

test('what is documented is what is deployed', async () => {
  const deployed = await readFile('serverless.yml', 'utf8');
  const events = [...deployed.matchAll(/httpApi: '([A-Z]+) (\S+)'/g)]
    .map(([, method, path]) => `${method} ${path}`)
    .filter((route) => route.includes(` ${basePath}/`));
  const documented = routes.map(({ method, path }) => `${method.toUpperCase()} ${basePath}${path}`);
  expect(documented.toSorted()).toEqual(events.toSorted());
});

test('every topic is documented but those between our own functions and those not in use', () => {
  const documented = Object.values(asyncApi.channels).map(({ address }) => address);
  const internal = [
    topics.work,
    topics.workDeadLetters,
    topics.readings,
    topics.readingsDeadLetters,
  ];
  const own = internal.map(({ name }) => name);
  const all: string[] = Object.values(topics).map(({ name }) => name);
  expect(documented.toSorted()).toEqual(
    all.filter((name) => !own.some((it) => it === name)).toSorted(),
  );
});

test('the written contract has the sizes of the table', async () => {
  const text = await readFile('docs/contracts.md', 'utf8');
  const [, section = ''] = text.split('### Sizes');
  const told = new Set(section.split('### ')[0]?.match(/\d+(,\d{3})*/g));
  for (const size of Object.values(sizes)) expect([...told]).toContain(sizeText(size));
});

test('the door takes no larger bodies than the functions do', async () => {
  const settings = await readFile(join(home(), 'nginx', 'nginx.conf'), 'utf8');
  const units: Record<string, number> = { '': 1, k: 1_024, m: 1_048_576 };
  const taken = [...settings.matchAll(/client_max_body_size (\d+)([km]?);/g)].map(
    ([, size, unit = '']) => Number(size) * (units[unit] ?? Number.NaN),
  );
  expect(new Set(taken)).toEqual(new Set([sizes.requestBytes, sizes.signInBytes]));
});

test('whatever may be sent is documented with its size', () => {
  const sent = Object.values(openApi.paths ?? {}).flatMap((path) =>
    Object.values(path ?? {}).map((operation) => operationSchema.parse(operation)),
  );
  const seen = [
    ...stringsAndArrays(openApi.components?.schemas?.ExportRequest, 'ExportRequest'),
    ...sent.flatMap(({ operationId, requestBody, parameters }) =>
      stringsAndArrays({ requestBody, parameters }, operationId),
    ),
  ];
  expect(seen.length).toBeGreaterThan(30);
  expect(seen.filter(({ isBounded }) => !isBounded)).toEqual([]);
});

/** Every string and every array of a schema, and whether it is said how large they may be. */
function stringsAndArrays(schema: unknown, at: string): { at: string; isBounded: boolean }[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const below = Object.entries(schema).flatMap(([name, it]) =>
    stringsAndArrays(it, `${at}/${name}`),
  );
  if (Array.isArray(schema)) return below;
  const { type, maxItems, ...it } = z.looseObject({}).parse(schema);
  if (type === 'array') return [{ at, isBounded: maxItems !== undefined }, ...below];
  if (type !== 'string') return below;
  const isBounded = ['enum', 'const', 'maxLength', 'pattern'].some((name) => name in it);
  return [{ at, isBounded: isBounded || it.format === 'uuid' }, ...below];
}

test('every code is in the document and in the written contract', async () => {
  const written = await readFile('docs/contracts.md', 'utf8');
  for (const code of codeNames) {
    expect(openApi.info.description).toContain(`\`${code}\``);
    expect(written).toContain(`\`${code}\``);
  }
});

test('the example of the body is accepted', async () => {
  const answer = await call('POST', '/exports', { body: requestExample, headers: asDemo });
  expect(answer.status).toBe(202);
  const { id } = answer.json(exportDocumentSchema);
  await call('DELETE', `/exports/${id}`, { headers: asDemo });
});

test('the example of the event is as documented, and its request is accepted', async () => {
  const [example] = asyncApi.components.messages.requested.examples;
  expect(() => requireDocumentedEvent(JSON.stringify(example?.payload))).not.toThrow();
  const results = await follow(topics.results.name);
  try {
    const event = requested({ ...requestExample, requestedBy: credentials.demo.email });
    requireDocumentedEvent(JSON.stringify(event));
    await produce(topics.requested.name, [{ value: JSON.stringify(event) }]);
    await resultOf(results, event.id, 'completed');
  } finally {
    await results.close();
  }
});
