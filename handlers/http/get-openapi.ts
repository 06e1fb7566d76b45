import { openApi } from '../../lib/contracts/openapi.ts';
import { anonymous, http } from '../../lib/runtime/http.ts';

/** GET /openapi.json */
export const handler = http(anonymous, async () => ({ status: 200, body: openApi }));
