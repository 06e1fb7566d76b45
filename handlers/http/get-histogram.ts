import { authenticate } from '../../lib/access/authenticate.ts';
import { histogramQuerySchema } from '../../lib/contracts/sources.ts';
import { getHistogram } from '../../lib/exports/planning/histogram.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /sources/{source}/datasets/{dataset}/histogram */
export const handler = httpHandler(
  authenticate,
  async ({ account, param, query }) => ({
    status: 200,
    body: await getHistogram(
      account,
      param('source'),
      param('dataset'),
      query(histogramQuerySchema),
    ),
  }),
  { asksSources: true },
);
