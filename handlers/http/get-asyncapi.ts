import { asyncApi } from '../../lib/contracts/asyncapi.ts';
import { httpHandler, noAuth } from '../../lib/runtime/http-handler.ts';

/** GET /asyncapi.json */
export const handler = httpHandler(noAuth, async () => ({ status: 200, body: asyncApi }));
