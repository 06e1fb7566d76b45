import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { call, monthOfOrders } from '../support/api.ts';
import { consume } from '../support/events.ts';
import { listenFor } from '../support/listen-for.ts';
import { StartedStack } from '../support/processes.ts';
import { waitFor } from '../support/wait-for.ts';

/** A stack of its own sends its spans to this process, as to any collector: OTLP with JSON over HTTP. */
const valueSchema = z.looseObject({
  stringValue: z.string().optional(),
  intValue: z.union([z.number(), z.string()]).optional(),
});
const attributesSchema = z
  .array(z.object({ key: z.string(), value: valueSchema }))
  .transform(
    (all) => new Map(all.map(({ key, value }) => [key, value.stringValue ?? value.intValue])),
  );
const spanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  attributes: attributesSchema,
});
const exportedSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: attributesSchema }),
      scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })),
    }),
  ),
});
type SentSpan = z.infer<typeof spanSchema> & { service: unknown };

let home = '';
let running: StartedStack | undefined;
let collector: Server;
const spans: SentSpan[] = [];

async function receive(request: IncomingMessage): Promise<void> {
  const { resourceSpans } = exportedSchema.parse(JSON.parse(await text(request)));
  for (const { resource, scopeSpans } of resourceSpans)
    for (const span of scopeSpans.flatMap((scope) => scope.spans))
      spans.push({ ...span, service: resource.attributes.get('service.name') });
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'streamsync-test-tracing-'));
  collector = createServer((request, response) => {
    void receive(request).then(() =>
      response.setHeader('content-type', 'application/json').end('{}'),
    );
  });
});
afterAll(async () => {
  await running?.stop();
  collector.close();
  await rm(home, { recursive: true, force: true });
});

test('one trace leads from the request of an export through Kafka to its worker and its result', async () => {
  running = new StartedStack(home, {
    OTEL_EXPORTER_OTLP_ENDPOINT: await listenFor(collector, 'http://127.0.0.1'),
  });
  const { api, kafka, asDemo: headers } = await running.details();
  const traceId = randomBytes(16).toString('hex');
  const caller = randomBytes(8).toString('hex');
  const answer = await call('POST', `${api}/exports`, {
    headers: { ...headers, traceparent: `00-${traceId}-${caller}-01` },
    body: monthOfOrders,
  });
  const { id } = answer.json(exportDocumentSchema);

  const ofTrace = await waitFor('the spans of the export are sent', async () => {
    const own = spans.filter((span) => span.traceId === traceId);
    return own.some(({ name }) => name === 'process exports.work') ? own : undefined;
  });
  const byName = (name: string): SentSpan => {
    const found = ofTrace.find((span) => span.name === name);
    if (!found) throw new Error(`the trace has no span ${name}`);
    return found;
  };
  const request = byName('POST /api/v1/exports');
  const delivery = byName('process exports.work');
  const unit = byName('unit whole');
  expect(request.parentSpanId).toBe(caller);
  expect(request.attributes.get('http.response.status_code')).toBe(202);
  expect(delivery.parentSpanId).toBe(request.spanId);
  expect(unit.parentSpanId).toBe(delivery.spanId);
  expect(unit.attributes.get('streamsync.export.id')).toBe(id);
  expect(unit.service).toBe('streamsync-local');
  const results = await consume('exports.results', kafka.brokers);
  try {
    const sent = await waitFor('both events of the export arrive', async () => {
      const own = results.messages.filter(({ key }) => String(key) === id);
      return own.length === 2 ? own : undefined;
    });
    expect(sent.map((event) => event.headers.traceparent)).toEqual([
      `00-${traceId}-${request.spanId}-01`,
      `00-${traceId}-${unit.spanId}-01`,
    ]);
  } finally {
    await results.close();
  }

  const failed = await call('GET', `${api}/exports/01a1fbaa-0d88-7617-8f4b-1187b8f792e7`, {
    headers,
  });
  expect(failed.status).toBe(404);
  const other = await waitFor('the span of another request is sent', async () =>
    spans.find((span) => span.name === 'GET /api/v1/exports/{id}'),
  );
  expect(other.traceId).not.toBe(traceId);
  expect(other.attributes.get('http.response.status_code')).toBe(404);
});
