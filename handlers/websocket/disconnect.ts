import { removeConnections } from '../../lib/live/connections.ts';
import { disconnectHandler } from '../../lib/runtime/websocket-handler.ts';

/** $disconnect */
export const handler = disconnectHandler((connectionId) => removeConnections([connectionId]));
