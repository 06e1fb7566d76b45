import { z } from 'zod';
import { signedEventFields } from './event-policy.ts';
import {
  exportRejectedSchema,
  exportRequestedSchema,
  exportRequestedType,
  exportResultSchema,
  outcomes,
  requestedBySchema,
} from './events.ts';
import { documentExample, eventExample, fileLinkExample, requestExample } from './examples.ts';
import { exportRequestFields } from './export-request.ts';
import { acceptMore } from './json-schema.ts';

const results = 'exports.results';
const requests = 'exports.requested';
const putAside = 'exports.requested.dlq';

const ref = (...path: string[]) => ({ $ref: ['#', ...path].join('/') });
const named = <T>(names: readonly string[], of: (name: string) => T): Record<string, T> =>
  Object.fromEntries(names.map((name) => [name, of(name)]));

/** As it may be sent: `data` spelled out, which we read on its own so that a wrong one can be answered. */
const requested = exportRequestedSchema.extend({
  ...signedEventFields,
  data: exportRequestFields.safeExtend({
    requestedBy: requestedBySchema.meta({
      description: 'Email of an account that may ask by event; the export is of that account',
    }),
  }),
});

/** The attributes of an event in binary mode, as headers. */
const binaryHeaders = z.looseObject({
  'content-type': z.literal('application/json').optional(),
  ...Object.fromEntries(
    Object.entries(requested.shape)
      .filter(([name]) => name !== 'data')
      .map(([name, schema]) => [`ce_${name}`, schema]),
  ),
});

const resultNames = [...outcomes, 'rejected'];

const messages = {
  requested: {
    name: exportRequestedType,
    title: 'Ask for an export',
    summary:
      '`source` and `id` together are the idempotency key: the same event again is no second export',
    contentType: 'application/cloudevents+json',
    payload: draft7(requested, 'input'),
    examples: [
      {
        payload: {
          ...eventExample,
          source: '/warehouse',
          type: exportRequestedType,
          data: { ...requestExample, requestedBy: documentExample.owner },
        },
      },
    ],
  },
  requestedBinary: {
    name: `${exportRequestedType} in binary mode`,
    title: 'Ask for an export, the attributes in headers',
    summary:
      'The same event in the binary mode of CloudEvents: a header `ce_…` for each attribute, a signature too; the value is `data`',
    contentType: 'application/json',
    headers: draft7(binaryHeaders, 'input'),
    payload: draft7(requested.shape.data, 'input'),
    examples: [
      {
        headers: {
          ce_specversion: '1.0',
          ce_id: eventExample.id,
          ce_source: '/warehouse',
          ce_type: exportRequestedType,
          'content-type': 'application/json',
        },
        payload: { ...requestExample, requestedBy: documentExample.owner },
      },
    ],
  },
  ...Object.fromEntries(outcomes.map((outcome) => [outcome, resultMessage(outcome)])),
  rejected: {
    name: 'streamsync.export.rejected.v1',
    title: 'An asking event was refused',
    summary: 'The key is the id of the asking event: there is no export',
    contentType: 'application/cloudevents+json',
    payload: draft7(exportRejectedSchema, 'output'),
  },
  putAside: {
    name: 'putAside',
    title: 'A record that could not be read as an event',
    summary:
      'Key, value and headers are as they came, those of ours behind them. What is too large is cut, and `cut` says so',
    headers: {
      type: 'object',
      required: ['reason', 'topic', 'partition', 'offset'],
      properties: {
        ...named(['reason', 'topic', 'partition', 'offset'], () => ({ type: 'string' })),
        cut: {
          type: 'string',
          description:
            'JSON, only where something was cut: of each of `key`, `value`, `headers` that was, `bytes` and `sha256` of all there was; of headers their `count`, too. The bytes hashed of headers are names and values one after another',
        },
      },
    },
  },
};

/** AsyncAPI 3.0 (https://www.asyncapi.com/docs/reference/specification/v3.0.0) for the topics others use. */
export const asyncApi = {
  asyncapi: '3.0.0',
  info: {
    title: 'StreamSync',
    version: '1.0.0',
    description:
      'Exports by event. Values are CloudEvents 1.0 in structured JSON. Every event is delivered at least once: drop what has an `id` you have seen. Events may get fields beyond those described here: ignore what you do not know.',
    license: { name: 'MIT' },
  },
  defaultContentType: 'application/cloudevents+json',
  channels: {
    requests: {
      address: requests,
      description: 'A key is not needed; headers are in binary mode alone',
      messages: {
        requested: ref('components', 'messages', 'requested'),
        requestedBinary: ref('components', 'messages', 'requestedBinary'),
      },
    },
    results: {
      address: results,
      description: 'The key is the id of the export, so the events of one export stay in order',
      messages: named(resultNames, (name) => ref('components', 'messages', name)),
    },
    putAside: {
      address: putAside,
      description: 'What was sent to us and is no event, or cannot be handled',
      messages: { putAside: ref('components', 'messages', 'putAside') },
    },
  },
  operations: {
    receiveRequest: {
      action: 'receive',
      channel: ref('channels', 'requests'),
      messages: ['requested', 'requestedBinary'].map((name) =>
        ref('channels', 'requests', 'messages', name),
      ),
    },
    sendResult: {
      action: 'send',
      channel: ref('channels', 'results'),
      messages: resultNames.map((name) => ref('channels', 'results', 'messages', name)),
    },
    putAside: {
      action: 'send',
      channel: ref('channels', 'putAside'),
      messages: [ref('channels', 'putAside', 'messages', 'putAside')],
    },
  },
  components: { messages },
};

function resultMessage(outcome: (typeof outcomes)[number]) {
  const type = `streamsync.export.${outcome}.v1` as const;
  return {
    name: type,
    title: `An export was ${outcome}`,
    contentType: 'application/cloudevents+json',
    payload: draft7(exportResultSchema.extend({ type: z.literal(type) }), 'output'),
    ...(outcome === 'completed'
      ? {
          examples: [
            {
              payload: {
                ...eventExample,
                source: '/streamsync',
                subject: documentExample.id,
                type,
                data: {
                  ...documentExample,
                  requestId: eventExample.id,
                  downloadUrl: fileLinkExample,
                  message: 'The export of orders of sales is ready: 8640 rows, 912384 bytes.',
                },
              },
            },
          ],
        }
      : {}),
  };
}

/** AsyncAPI's own schema format is a superset of JSON Schema draft 7. */
function draft7(schema: z.ZodType, io: 'input' | 'output') {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    target: 'draft-7',
    io,
    override: ({ jsonSchema }) => {
      if (io === 'output') acceptMore(jsonSchema);
    },
  });
  return rest;
}
