import { checkHealth } from '../../lib/health/check-health.ts';
import { httpHandler, noAuth } from '../../lib/runtime/http-handler.ts';

/** GET /health */
export const handler = httpHandler(noAuth, async () => ({
  status: 200,
  body: await checkHealth(),
}));
