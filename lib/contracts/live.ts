import { z } from 'zod';
import { codeNames } from './codes.ts';
import { exportDocumentSchema } from './export-document.ts';
import type { Route } from './route.ts';
import { sizes, sizeText } from './sizes.ts';

/** Limits of the live socket. */
export const liveLimits = {
  /** Bytes of a message in either direction: API Gateway accepts no larger frame. */
  messageBytes: 32_768,
  /** Series to which one connection may subscribe. */
  series: 200,
  /** Open connections of one account. */
  connections: 50,
  /** A ticket must be used within this time. */
  ticketSeconds: 60,
  /** API Gateway closes a connection after this time. */
  connectionSeconds: 7_200,
  /** API Gateway closes a connection on which nothing was sent, in either direction, for this time. */
  idleSeconds: 600,
} as const;

const seriesSchema = z
  .array(
    z
      .string()
      .min(1, 'must not be empty')
      .max(sizes.nameCharacters, `must have at most ${sizes.nameCharacters} characters`),
  )
  .min(1, 'must name at least one series')
  .max(liveLimits.series, `must name at most ${liveLimits.series} series`);

const cursorSchema = z
  .string()
  .meta({ description: 'an opaque position in the stream of all readings' });

/** A message from a client. */
export const liveRequestSchema = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.literal('subscribe'),
    series: seriesSchema,
    from: z.string().max(sizes.stringBytes).optional().meta({
      description:
        'a `next` of an earlier message, or the cursor in the manifest of an export: readings after it are sent first',
    }),
  }),
  z.strictObject({ action: z.literal('unsubscribe'), series: seriesSchema }),
  z.strictObject({ action: z.literal('ping') }),
]);
export type LiveRequest = z.infer<typeof liveRequestSchema>;

/** Why the readings between the last message and `next` are not sent: read them with `GET /readings`. */
export const resyncReasons = {
  invalid_cursor: '`from` is not a cursor of this deployment',
  topic_recreated: 'the topic of the readings was deleted and created again since',
  too_old: 'there are more readings after `from` than are sent again',
  ingest_delayed: 'the readings after `from` are not stored yet',
  slow: 'the connection did not take its messages in time',
} as const;
const isReason = (text: string): text is ResyncReason => Object.hasOwn(resyncReasons, text);
export type ResyncReason = keyof typeof resyncReasons;

const liveReadingSchema = z.tuple([
  z.string().meta({ description: 'series' }),
  z.iso.datetime().meta({ description: 'at, with as many digits as needed' }),
  z.number().meta({ description: 'value' }),
]);
export type LiveReading = z.infer<typeof liveReadingSchema>;

export const liveReadingsSchema = z.object({
  type: z.literal('readings'),
  prev: cursorSchema,
  next: cursorSchema,
  items: z.array(liveReadingSchema),
});
export const liveExportSchema = z.object({
  type: z.literal('export'),
  export: exportDocumentSchema,
});
export const resyncRequiredSchema = z.object({
  type: z.literal('resync-required'),
  reason: z.enum(Object.keys(resyncReasons).filter(isReason)),
  next: cursorSchema.meta({ description: 'the `prev` of the next message with readings' }),
});
export const liveErrorSchema = z.object({
  type: z.literal('error'),
  code: z.enum(codeNames),
  message: z.string(),
});
export const pongSchema = z.object({ type: z.literal('pong') });

/** A message to a client. */
export const liveMessageSchema = z.discriminatedUnion('type', [
  liveReadingsSchema,
  liveExportSchema,
  resyncRequiredSchema,
  liveErrorSchema,
  pongSchema,
]);
export type LiveMessage = z.infer<typeof liveMessageSchema>;

export const liveTicketSchema = z.object({
  url: z
    .url({ protocol: /^wss?$/ })
    .meta({ description: 'the address of the socket, for one use' }),
  expiresAt: z.iso.datetime().meta({ description: 'when it must have been used' }),
});
export type LiveTicket = z.infer<typeof liveTicketSchema>;

export const liveRoutes: readonly Route[] = [
  {
    method: 'post',
    path: '/live-tickets',
    operationId: 'createLiveTicket',
    summary: 'Create an address for the live socket',
    description: `A WebSocket at this address gets the readings of the series to which it subscribes, and the events of your exports. The address works once, within ${liveLimits.ticketSeconds} seconds; an account has at most ${liveLimits.connections} open connections, each for at most ${sizeText(liveLimits.connectionSeconds / 60)} minutes.`,
    caller: 'account',
    scope: 'readings:read',
    audit: 'live-ticket.create',
    answers: {
      200: {
        description: 'The address',
        schema: liveTicketSchema,
        example: {
          url: 'ws://localhost:8080/live?ticket=Zt3lq1kO0f0yF2nX5m9cVw8rB7uJ4sHdGaTePxQiYbE',
          expiresAt: '2026-04-01T08:01:00.000Z',
        },
      },
    },
    codes: [],
  },
];
