import middy from '@middy/core';
import type { z } from 'zod';
import { isConnectionLost } from './connection-lost.ts';
import { AppError, serializeError } from './errors.ts';
import { logger } from './logger.ts';
import { parseJson } from './validation.ts';

/** The part of an event of a WebSocket API that functions use. The local gateway sends a message of bytes as a buffer. */
interface Event {
  requestContext: { connectionId: string; eventType: string };
  queryStringParameters?: Record<string, string | undefined> | null;
  body?: unknown;
  isBase64Encoded?: boolean;
}

interface Result {
  statusCode: number;
  body?: string;
}

/** Returns a function for `$connect`: the connection opens unless `open` throws. An escaped error would be a 502. */
export const connectHandler = (
  open: (connectionId: string, query: (name: string) => string | undefined) => Promise<void>,
) =>
  middy<Event, Result>().handler(async ({ requestContext, queryStringParameters }) => {
    const { connectionId, eventType } = requestContext;
    // A client may name this route in a message.
    if (eventType !== 'CONNECT') return { statusCode: 200 };
    try {
      await open(connectionId, (name) => queryStringParameters?.[name]);
      logger.info('live connection opened', { connectionId });
      return { statusCode: 200 };
    } catch (error) {
      const { status, code } = knownError(error, connectionId);
      logger.info('live connection refused', { connectionId, code });
      return { statusCode: status };
    }
  });

/** Returns a function for `$disconnect`. Its errors have no receiver, and the gateway may not call it at all. */
export const disconnectHandler = (close: (connectionId: string) => Promise<void>) =>
  middy<Event, Result>().handler(async ({ requestContext: { connectionId, eventType } }) => {
    if (eventType !== 'DISCONNECT') return { statusCode: 200 };
    try {
      await close(connectionId);
      logger.info('live connection closed', { connectionId });
    } catch (error) {
      knownError(error, connectionId);
    }
    return { statusCode: 200 };
  });

/**
 * Returns a function for messages. The answer of `handle` is sent back, and every error as
 * `{type: "error", code, message}`.
 *
 * @param maxBytes size of a message
 */
export const messageHandler = <S extends z.ZodType, Answer extends object>(
  schema: S,
  maxBytes: number,
  handle: (connectionId: string, message: z.output<S>) => Promise<Answer | undefined>,
) =>
  middy<Event, Result>().handler(async ({ requestContext: { connectionId }, body }) => {
    try {
      if (typeof body !== 'string')
        throw new AppError('malformed_body', 'Send messages of text, not of bytes.');
      const answer = await handle(connectionId, parseJson(schema, body, maxBytes));
      return { statusCode: 200, ...(answer && { body: JSON.stringify(answer) }) };
    } catch (error) {
      const { code, message } = knownError(error, connectionId);
      return { statusCode: 200, body: JSON.stringify({ type: 'error', code, message }) };
    }
  });

/** Returns what the caller may know of an error. The log has the others, and every failure on our side. */
function knownError(error: unknown, connectionId: string): AppError {
  const known =
    error instanceof AppError
      ? error
      : isConnectionLost(error)
        ? new AppError(
            'unavailable',
            'The server cannot reach a component that it needs. Try again in a few seconds.',
          )
        : new AppError('internal', 'Something failed on our side. Try again.');
  if (known.status >= 500)
    logger.error('live connection: a function failed', {
      connectionId,
      error: serializeError(error),
    });
  return known;
}
