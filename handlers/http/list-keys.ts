import { listApiKeys } from '../../lib/access/api-keys.ts';
import { authenticate } from '../../lib/access/authenticate.ts';
import { apiKeyListQuerySchema } from '../../lib/contracts/api-keys.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /keys */
export const handler = httpHandler(authenticate, async ({ account, query }) => ({
  status: 200,
  body: await listApiKeys(catalogue(), account.id, query(apiKeyListQuerySchema)),
}));
