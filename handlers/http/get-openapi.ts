import { openApi } from '../../lib/contracts/openapi.ts';
import { httpHandler, noAuth } from '../../lib/runtime/http-handler.ts';

/** GET /openapi.json */
export const handler = httpHandler(noAuth, async () => ({ status: 200, body: openApi }));
