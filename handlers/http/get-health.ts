import { checkHealth } from '../../lib/health/check-health.ts';
import { anonymous, http } from '../../lib/runtime/http.ts';

/** GET /health */
export const handler = http(anonymous, async () => ({ status: 200, body: await checkHealth() }));
