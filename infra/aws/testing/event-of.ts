import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { repoRoot } from '../../local/home/home.ts';
import { httpEvent, kafkaEvent, scheduledEvent, socketEvent } from './events.ts';

const triggerSchema = z.union([
  z.strictObject({ httpApi: z.string() }),
  z.strictObject({
    websocket: z.looseObject({ route: z.enum(['$connect', '$default', '$disconnect']) }),
  }),
  z.strictObject({ schedule: z.looseObject({ rate: z.string() }) }),
  z.strictObject({ msk: z.looseObject({ topic: z.string() }) }),
]);

const serviceSchema = z.looseObject({
  functions: z.record(
    z.string(),
    z.looseObject({
      // The functions that get readings have events that are computed.
      events: z.union([z.tuple([triggerSchema]), z.string().startsWith('${file(')]).optional(),
    }),
  ),
});

const { functions } = serviceSchema.parse(
  parse(readFileSync(join(repoRoot, 'serverless.yml'), 'utf8')),
);

const parameters: Readonly<Record<string, string>> = {
  id: '01900000-0000-7000-8000-000000000001',
  email: 'ada@example.com',
  name: 'sales',
  source: 'sales',
  dataset: 'orders',
  topic: 'exports.requested.dlq',
  partition: '0',
  offset: '15',
};

const request = {
  specversion: '1.0',
  id: 'request-1',
  source: '/orders',
  type: 'streamsync.export.requested.v1',
  data: { requestedBy: parameters.email, sources: ['sales'], dataset: 'orders', format: 'csv' },
};
const reading = { series: 'pump', at: '2026-03-12T19:03:58Z', value: 6.2, unit: 'bar' };

/**
 * Returns an event as AWS sends it to a function, by the trigger that serverless.yml has for it. One without a trigger is
 * invoked without an event.
 */
export function eventOf(functionName: string): object {
  const found = functions[functionName];
  if (found === undefined) throw new Error(`serverless.yml has no function ${functionName}`);
  const { events } = found;
  if (events === undefined) return {};
  if (typeof events === 'string') return kafkaEvent('readings', reading);
  const [trigger] = events;
  if ('httpApi' in trigger) return httpEventOf(trigger.httpApi);
  if ('websocket' in trigger) return socketEvent(trigger.websocket.route);
  if ('schedule' in trigger) return scheduledEvent();
  return kafkaEvent(trigger.msk.topic, request);
}

function httpEventOf(route: string): object {
  if (route === '*') return httpEvent('$default');
  const names = [...route.matchAll(/\{(\w+)\}/g)].flatMap(([, name]) => name ?? []);
  return httpEvent(
    route,
    Object.fromEntries(names.map((name) => [name, parameters[name] ?? 'unknown'])),
  );
}
