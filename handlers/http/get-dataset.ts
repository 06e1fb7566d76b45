import { authenticate } from '../../lib/access/authenticate.ts';
import { http } from '../../lib/runtime/http.ts';
import { describeDataset } from '../../lib/sources/overview.ts';

/** GET /sources/{source}/datasets/{dataset} */
export const handler = http(
  authenticate,
  async ({ account, param }) => ({
    status: 200,
    body: await describeDataset(account, param('source'), param('dataset')),
  }),
  { asksSources: true },
);
