import { authenticate } from '../../lib/access/authenticate.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';
import { describeDataset } from '../../lib/sources/describe-sources.ts';

/** GET /sources/{source}/datasets/{dataset} */
export const handler = httpHandler(
  authenticate,
  async ({ account, param }) => ({
    status: 200,
    body: await describeDataset(account, param('source'), param('dataset')),
  }),
  { asksSources: true },
);
