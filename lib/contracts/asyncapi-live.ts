import type { z } from 'zod';
import { documentExample, readingExample } from './examples.ts';
import {
  liveErrorSchema,
  liveExportSchema,
  liveLimits,
  liveReadingsSchema,
  liveRequestSchema,
  pongSchema,
  type ResyncReason,
  resyncReasons,
  resyncRequiredSchema,
} from './live.ts';
import { sizeText } from './sizes.ts';

const [subscribe, unsubscribe, ping] = liveRequestSchema.options;

export interface SocketMessage {
  title: string;
  summary: string;
  schema: z.ZodType;
  /** Each is valid by the schema; a test checks it. */
  examples: readonly object[];
}

/** The messages of a client on the socket, by their `action`. */
export const clientMessages = {
  subscribe: {
    title: 'Follow series',
    summary: `In addition to those that the connection follows, at most ${liveLimits.series}. With \`from\`, the readings after it come first`,
    schema: subscribe,
    examples: [
      { action: 'subscribe', series: [readingExample.series] },
      { action: 'subscribe', series: [readingExample.series], from: 'eyJyZWFkaW5ncyI6…' },
    ],
  },
  unsubscribe: {
    title: 'Follow series no longer',
    summary: 'Series that the connection does not follow are ignored',
    schema: unsubscribe,
    examples: [{ action: 'unsubscribe', series: [readingExample.series] }],
  },
  ping: {
    title: 'Keep the connection open',
    summary: `A connection without a message for ${sizeText(liveLimits.idleSeconds / 60)} minutes is closed`,
    schema: ping,
    examples: [{ action: 'ping' }],
  },
} as const satisfies Record<string, SocketMessage>;

const reasons = Object.entries(resyncReasons)
  .map(([reason, meaning]) => `\`${reason}\`: ${meaning}`)
  .join('; ');

/** The messages to a client, by their `type`. */
export const serverMessages = {
  readings: {
    title: 'Readings that have arrived',
    summary:
      'Of the series that the connection follows; without items it is a check. A `prev` unlike the last `next` is a gap: subscribe again with the last `next` as `from`. The first message after a `subscribe` with `from` has it as `prev`',
    schema: liveReadingsSchema,
    examples: [
      {
        type: 'readings',
        prev: 'eyJyZWFkaW5ncyI6…',
        next: 'eyJyZWFkaW5ncyJ9…',
        items: [[readingExample.series, readingExample.at, readingExample.value]],
      },
    ],
  },
  export: {
    title: 'One of your exports has changed',
    summary: 'Its status document. `GET /exports/{id}` stays the contract: poll it, too',
    schema: liveExportSchema,
    examples: [{ type: 'export', export: documentExample }],
  },
  'resync-required': {
    title: 'Readings will not be sent',
    summary: `Load history by \`GET /readings\`, then go on from \`next\`. ${reasons}`,
    schema: resyncRequiredSchema,
    examples: [
      {
        type: 'resync-required',
        reason: 'slow' satisfies ResyncReason,
        next: 'eyJyZWFkaW5ncyJ9…',
      },
    ],
  },
  error: {
    title: 'A message was not accepted',
    summary: 'The connection stays open',
    schema: liveErrorSchema,
    examples: [
      { type: 'error', code: 'invalid_request', message: 'series must name at least one series.' },
    ],
  },
  pong: {
    title: 'The answer to a ping',
    summary: 'Nothing else',
    schema: pongSchema,
    examples: [{ type: 'pong' }],
  },
} as const satisfies Record<string, SocketMessage>;

/** The name of a message among all messages of the document. */
export const socketMessageName = (name: string): string => `socket-${name}`;
