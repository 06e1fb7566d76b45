import { authenticate } from '../../lib/access/authenticate.ts';
import { http } from '../../lib/runtime/http.ts';
import { describeSources } from '../../lib/sources/overview.ts';

/** GET /sources */
export const handler = http(authenticate, async ({ account }) => ({
  status: 200,
  body: await describeSources(account.sources),
}));
