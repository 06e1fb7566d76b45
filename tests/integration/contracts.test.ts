import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { z } from 'zod';
import { asyncApi } from '../../lib/contracts/asyncapi.ts';
import { clientMessages } from '../../lib/contracts/asyncapi-live.ts';
import { codeNames } from '../../lib/contracts/codes.ts';
import { requestExample } from '../../lib/contracts/examples.ts';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { openApi } from '../../lib/contracts/openapi.ts';
import { basePath } from '../../lib/contracts/route.ts';
import { routes } from '../../lib/contracts/routes.ts';
import { sizes, sizeText } from '../../lib/contracts/sizes.ts';
import { topics } from '../../lib/messaging/topics.ts';
import { asDemo, call } from '../support/api.ts';
import { consume, produce, requested, resultOf } from '../support/events.ts';
import { LiveClient, ownSeries } from '../support/live-client.ts';
import { assertDocumentedEvent } from '../support/openapi-assertions.ts';
import { credentials, home, sourceUrl, sql } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const operationSchema = z.looseObject({ operationId: z.string() });

/** Returns the value as JSON has it, without undefined fields. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('the API serves our OpenAPI document, which is valid OpenAPI 3.1', async () => {
  const answer = await call('GET', '/openapi.json');
  const served = z.record(z.string(), z.unknown()).parse(JSON.parse(answer.bytes.toString()));
  expect(served).toEqual(plain(openApi));
  expect(await new Validator().validate(served)).toMatchObject({ valid: true });
});

test('the API serves our AsyncAPI document, which is valid AsyncAPI 3.0', async () => {
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

test('OpenAPI documents exactly the deployed routes', async () => {
  const deployed = await readFile('serverless.yml', 'utf8');
  const events = [...deployed.matchAll(/httpApi: '([A-Z]+) (\S+)'/g)]
    .map(([, method, path]) => `${method} ${path}`)
    .filter((route) => route.includes(` ${basePath}/`));
  const documented = routes.map(({ method, path }) => `${method.toUpperCase()} ${basePath}${path}`);
  expect(documented.toSorted()).toEqual(events.toSorted());
});

test('AsyncAPI documents every topic except the internal ones', () => {
  const documented = Object.values(asyncApi.channels)
    .map(({ address }) => address)
    .filter((address) => !address.startsWith('/'));
  const internal = [
    topics.work,
    topics.workDeadLetters,
    topics.deliveries,
    topics.deliveriesDeadLetters,
  ];
  const own = internal.map(({ name }) => name);
  const all: string[] = Object.values(topics).map(({ name }) => name);
  expect(documented.toSorted()).toEqual(
    all.filter((name) => !own.some((it) => it === name)).toSorted(),
  );
});

test('docs/contracts.md has every size of the limits in code', async () => {
  const text = await readFile('docs/contracts.md', 'utf8');
  const [, section = ''] = text.split('### Sizes');
  const documentedSizes = new Set(section.split('### ')[0]?.match(/\d+(,\d{3})*/g));
  for (const size of Object.values(sizes)) expect([...documentedSizes]).toContain(sizeText(size));
});

test('NGINX accepts the same body sizes as the functions', async () => {
  const settings = await readFile(join(home(), 'nginx', 'nginx.conf'), 'utf8');
  const units: Record<string, number> = { '': 1, k: 1_024, m: 1_048_576 };
  const bodySizes = [...settings.matchAll(/client_max_body_size (\d+)([km]?);/g)].map(
    ([, size, unit = '']) => Number(size) * (units[unit] ?? Number.NaN),
  );
  expect(new Set(bodySizes)).toEqual(new Set([sizes.requestBytes, sizes.signInBytes]));
});

test('the documents state the maximum size of every string and array in a request', () => {
  const sent = Object.values(openApi.paths ?? {}).flatMap((path) =>
    Object.values(path ?? {}).map((operation) => operationSchema.parse(operation)),
  );
  const fields = [
    ...stringsAndArrays(openApi.components?.schemas?.ExportRequest, 'ExportRequest'),
    ...sent.flatMap(({ operationId, requestBody, parameters }) =>
      stringsAndArrays({ requestBody, parameters }, operationId),
    ),
  ];
  expect(fields.length).toBeGreaterThan(30);
  expect(fields.filter(({ isBounded }) => !isBounded)).toEqual([]);
});

/** Returns every string and array of a schema, and whether its size is bounded. */
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

test('the OpenAPI description and docs/contracts.md have every problem code', async () => {
  const contract = await readFile('docs/contracts.md', 'utf8');
  for (const code of codeNames) {
    expect(openApi.info.description).toContain(`\`${code}\``);
    expect(contract).toContain(`\`${code}\``);
  }
});

test('the API accepts the documented example of a body', async () => {
  const answer = await call('POST', '/exports', { body: requestExample, headers: asDemo });
  expect(answer.status).toBe(202);
  const { id } = answer.json(exportDocumentSchema);
  await call('DELETE', `/exports/${id}`, { headers: asDemo });
});

test('the live socket answers the documented example of every message as documented', async () => {
  const client = await LiveClient.open();
  try {
    for (const { examples } of Object.values(clientMessages))
      for (const example of examples) client.send(example);
    // The cursor of the example is not of this deployment.
    for (const type of ['pong', 'readings', 'resync-required'] as const)
      await client.message((message) => message.type === type);
    client.send({ action: 'follow' });
    await client.message(({ type }) => type === 'error');
  } finally {
    client.close();
  }
});

test('the documented examples of readings are accepted and stored', async () => {
  const [, { payload } = { payload: undefined }] = asyncApi.components.messages.reading.examples;
  const [series = ''] = ownSeries(1);
  const readings = z
    .array(z.looseObject({ at: z.number(), value: z.number() }))
    .parse(payload)
    .map((reading) => ({ ...reading, series }));
  await produce(topics.readings.name, [{ key: series, value: JSON.stringify(readings) }]);
  const iot = sourceUrl('iot');
  try {
    const stored = await waitFor('the readings are stored', async () => {
      const rows = await sql<{ at: number; value: number }>(
        iot,
        `select (extract(epoch from at) * 1000)::float8 as at, value from readings
         where series = $1 order by at`,
        [series],
      );
      return rows.length === readings.length ? rows : undefined;
    });
    expect(stored).toEqual(readings.map(({ at, value }) => ({ at, value })));
  } finally {
    for (const table of ['readings', 'readings_1m', 'readings_1h', 'series'])
      await sql(iot, `delete from ${table} where series = $1`, [series]);
  }
});

test('the documented example of an event is valid, and its request is accepted', async () => {
  const [example] = asyncApi.components.messages.requested.examples;
  expect(() => assertDocumentedEvent(JSON.stringify(example?.payload))).not.toThrow();
  const results = await consume(topics.results.name);
  try {
    const event = requested({ ...requestExample, requestedBy: credentials.demo.email });
    assertDocumentedEvent(JSON.stringify(event));
    await produce(topics.requested.name, [{ value: JSON.stringify(event) }]);
    await resultOf(results, event.id, 'completed');
  } finally {
    await results.close();
  }
});
