import { authenticate } from '../../lib/access/authenticate.ts';
import { histogramQuerySchema } from '../../lib/contracts/sources.ts';
import { histogramOf } from '../../lib/exports/histogram.ts';
import { http } from '../../lib/runtime/http.ts';

/** GET /sources/{source}/datasets/{dataset}/histogram */
export const handler = http(
  authenticate,
  async ({ account, param, query }) => ({
    status: 200,
    body: await histogramOf(
      account,
      param('source'),
      param('dataset'),
      query(histogramQuerySchema),
    ),
  }),
  { asksSources: true },
);
