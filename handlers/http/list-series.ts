import { authenticate } from '../../lib/access/authenticate.ts';
import { seriesListQuerySchema } from '../../lib/contracts/readings.ts';
import { listSeries } from '../../lib/readings/list-series.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /series */
export const handler = httpHandler(
  authenticate,
  async ({ account, query }) => ({
    status: 200,
    body: await listSeries(account, query(seriesListQuerySchema)),
  }),
  { asksSources: true },
);
