import { liveLimits, liveRequestSchema } from '../../lib/contracts/live.ts';
import { answer } from '../../lib/live/answer.ts';
import { messageHandler } from '../../lib/runtime/websocket-handler.ts';

/** $default: every message */
export const handler = messageHandler(liveRequestSchema, liveLimits.messageBytes, answer);
