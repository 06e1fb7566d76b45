import { asyncApi } from '../../lib/contracts/asyncapi.ts';
import { anonymous, http } from '../../lib/runtime/http.ts';

/** GET /asyncapi.json */
export const handler = http(anonymous, async () => ({ status: 200, body: asyncApi }));
