import { administrator } from '../../lib/access/authenticate.ts';
import { listRunning } from '../../lib/admin/running.ts';
import { runningQuerySchema } from '../../lib/contracts/admin.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /admin/running */
export const handler = httpHandler(administrator('see what runs'), async ({ query }) => ({
  status: 200,
  body: await listRunning(catalogue(), query(runningQuerySchema)),
}));
