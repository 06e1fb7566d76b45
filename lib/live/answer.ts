import type { LiveMessage, LiveRequest } from '../contracts/live.ts';
import { config } from '../runtime/config.ts';
import { AppError } from '../runtime/errors.ts';
import { findConnection, removeConnections } from './connections.ts';
import { gateway } from './gateway.ts';
import { MessageRate } from './message-rate.ts';
import { subscribe, unsubscribe } from './subscribe.ts';

const rate = new MessageRate();

/** Returns the answer to a message; undefined if only messages with readings answer it. Throws an `AppError`. */
export async function answer(
  connectionId: string,
  request: LiveRequest,
): Promise<LiveMessage | undefined> {
  if (!rate.allows(connectionId))
    throw new AppError('too_many_requests', 'You send messages faster than the limit allows.');
  const connection = await findConnection(connectionId, config().readings?.source);
  if (!connection?.isAllowed) {
    await removeConnections([connectionId]);
    await gateway.close(connectionId);
    throw new AppError('unauthenticated', 'The connection has ended. Open a new one.');
  }
  switch (request.action) {
    case 'ping':
      return { type: 'pong' };
    case 'subscribe':
      await subscribe(connection, request);
      return undefined;
    case 'unsubscribe':
      await unsubscribe(connection, request);
      return undefined;
    default:
      return request satisfies never;
  }
}
