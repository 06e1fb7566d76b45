import { openConnection } from '../../lib/live/tickets.ts';
import { connectHandler } from '../../lib/runtime/websocket-handler.ts';

/** $connect: /live?ticket=… */
export const handler = connectHandler((connectionId, query) =>
  openConnection(connectionId, query('ticket') ?? ''),
);
