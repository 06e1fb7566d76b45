import { z } from 'zod';
import {
  clientMessages,
  type SocketMessage,
  serverMessages,
  socketMessageName,
} from './asyncapi-live.ts';
import { signedEventFields } from './event-policy.ts';
import {
  exportRejectedSchema,
  exportRequestedSchema,
  exportRequestedType,
  exportResultSchema,
  outcomes,
  requestedBySchema,
} from './events.ts';
import {
  documentExample,
  eventExample,
  fileLinkExample,
  readingExample,
  requestExample,
} from './examples.ts';
import { exportRequestFields } from './export-request.ts';
import { allowUnknownProperties } from './json-schema.ts';
import { liveLimits } from './live.ts';
import { sentReadingsSchema } from './readings.ts';
import { sizes, sizeText } from './sizes.ts';

const results = 'exports.results';
const requests = 'exports.requested';
const deadLetters = 'exports.requested.dlq';
const readings = 'readings';
const readingsDeadLetters = 'readings.dlq';

const ref = (...path: string[]) => ({ $ref: ['#', ...path].join('/') });
const named = <T>(names: readonly string[], of: (name: string) => T): Record<string, T> =>
  Object.fromEntries(names.map((name) => [name, of(name)]));

/** The full schema of a request event. The code parses `data` separately, so that a wrong one can be answered. */
const requested = exportRequestedSchema.extend({
  ...signedEventFields,
  data: exportRequestFields.safeExtend({
    requestedBy: requestedBySchema.meta({
      description:
        'Email of an account that may request exports by event, and that will own the export',
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
const clientNames = Object.keys(clientMessages).map(socketMessageName);
const serverNames = Object.keys(serverMessages).map(socketMessageName);

const messages = {
  requested: {
    name: exportRequestedType,
    title: 'Request an export',
    summary:
      '`source` and `id` together are the idempotency key: a repeated event does not create a second export',
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
    title: 'Request an export, with attributes in headers',
    summary:
      'The same event in the binary mode of CloudEvents: a header `ce_…` for each attribute, including a signature; the value is `data`',
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
    title: 'A request was rejected',
    summary: 'No export was created; the key is the id of the request event',
    contentType: 'application/cloudevents+json',
    payload: draft7(exportRejectedSchema, 'output'),
  },
  reading: {
    name: 'reading',
    title: 'A reading, or several of one series',
    summary:
      'Bare JSON, no CloudEvent. The same series and time again replace the value; a repeated record changes nothing',
    contentType: 'application/json',
    payload: draft7(sentReadingsSchema, 'input'),
    examples: [
      { name: 'one', payload: readingExample },
      {
        name: 'several',
        payload: [
          { ...readingExample, at: 1_772_366_400_250, value: 3.2 },
          { ...readingExample, at: 1_772_366_401_250, value: 3.3, unit: 'bar' },
        ],
      },
    ],
  },
  ...socketMessages(clientMessages, 'input'),
  ...socketMessages(serverMessages, 'output'),
  deadLetter: {
    name: 'deadLetter',
    title: 'A record that could not be handled',
    summary:
      'Key, value and headers are those of the record, followed by our headers. What is too large is cut; `cut` describes it',
    headers: {
      type: 'object',
      required: ['reason', 'topic', 'partition', 'offset'],
      properties: {
        ...named(['reason', 'topic', 'partition', 'offset'], () => ({ type: 'string' })),
        cut: {
          type: 'string',
          description:
            'JSON, present if something was cut: for each of `key`, `value` and `headers` that was cut, `bytes` and `sha256` of the original; for headers also their `count`. The hash of headers covers their names and values one after another',
        },
      },
    },
  },
};

/** AsyncAPI 3.0 (https://www.asyncapi.com/docs/reference/specification/v3.0.0) of the public topics. */
export const asyncApi = {
  asyncapi: '3.0.0',
  info: {
    title: 'StreamSync',
    version: '1.0.0',
    description:
      'Exports by event: values are CloudEvents 1.0 in structured JSON, and every event is delivered at least once, so ignore an event whose `id` you have seen. Readings: bare JSON in, and a WebSocket with what has just arrived. Events and messages may get further fields: ignore those that you do not know.',
    license: { name: 'MIT' },
  },
  defaultContentType: 'application/cloudevents+json',
  channels: {
    requests: {
      address: requests,
      description: 'A key is not needed; headers are needed only in binary mode',
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
    deadLetters: {
      address: deadLetters,
      description: 'Records that are not an event or could not be handled',
      messages: { deadLetter: ref('components', 'messages', 'deadLetter') },
    },
    readings: {
      address: readings,
      description: `Readings from producers. The key is the series: without it the order within a series is lost. A record has at most ${sizeText(sizes.requestBytes)} bytes. Records of other topics and shapes become readings by the pipelines that the operator configures; they are not described here, because their shape is their producer's`,
      messages: { reading: ref('components', 'messages', 'reading') },
    },
    readingsDeadLetters: {
      address: readingsDeadLetters,
      description: 'Records of `readings` that are not readings, or too old, or ahead of the clock',
      messages: { deadLetter: ref('components', 'messages', 'deadLetter') },
    },
    live: {
      address: '/live',
      description: `A WebSocket of the origin, at the address that \`POST /api/v1/live-tickets\` returns. Messages are JSON text of at most ${sizeText(liveLimits.messageBytes)} bytes in either direction. A connection is open for at most ${sizeText(liveLimits.connectionSeconds / 60)} minutes; a client that needs more opens the next one before that, and subscribes from its last \`next\``,
      messages: named([...clientNames, ...serverNames], (name) =>
        ref('components', 'messages', name),
      ),
      bindings: {
        ws: {
          method: 'GET',
          query: {
            type: 'object',
            required: ['ticket'],
            properties: { ticket: { type: 'string', description: 'for one use' } },
          },
          bindingVersion: '0.1.0',
        },
      },
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
    sendDeadLetter: {
      action: 'send',
      channel: ref('channels', 'deadLetters'),
      messages: [ref('channels', 'deadLetters', 'messages', 'deadLetter')],
    },
    receiveReading: {
      action: 'receive',
      channel: ref('channels', 'readings'),
      messages: [ref('channels', 'readings', 'messages', 'reading')],
    },
    sendReadingDeadLetter: {
      action: 'send',
      channel: ref('channels', 'readingsDeadLetters'),
      messages: [ref('channels', 'readingsDeadLetters', 'messages', 'deadLetter')],
    },
    receiveLive: {
      action: 'receive',
      channel: ref('channels', 'live'),
      messages: clientNames.map((name) => ref('channels', 'live', 'messages', name)),
    },
    sendLive: {
      action: 'send',
      channel: ref('channels', 'live'),
      messages: serverNames.map((name) => ref('channels', 'live', 'messages', name)),
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

function socketMessages(
  described: Readonly<Record<string, SocketMessage>>,
  io: 'input' | 'output',
) {
  return Object.fromEntries(
    Object.entries(described).map(([name, { title, summary, schema, examples }]) => [
      socketMessageName(name),
      {
        name,
        title,
        summary,
        contentType: 'application/json',
        payload: draft7(schema, io),
        examples: examples.map((payload) => ({ payload })),
      },
    ]),
  );
}

/** Returns the JSON Schema (draft 7) of a schema: AsyncAPI's schema format is a superset of it. */
function draft7(schema: z.ZodType, io: 'input' | 'output') {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    target: 'draft-7',
    io,
    override: ({ jsonSchema }) => {
      if (io === 'output') allowUnknownProperties(jsonSchema);
    },
  });
  return rest;
}
