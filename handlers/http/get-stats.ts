import { administrator } from '../../lib/access/authenticate.ts';
import { readStats } from '../../lib/admin/stats.ts';
import { statsQuerySchema } from '../../lib/contracts/admin.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /admin/stats */
export const handler = httpHandler(administrator('see the statistics'), async ({ query }) => ({
  status: 200,
  body: await readStats(catalogue(), query(statsQuerySchema)),
}));
