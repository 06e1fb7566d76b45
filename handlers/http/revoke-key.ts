import { revokeApiKey } from '../../lib/access/api-keys.ts';
import { authenticate } from '../../lib/access/authenticate.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** DELETE /keys/{id} */
export const handler = httpHandler(authenticate, async ({ account, uuid }) => {
  await revokeApiKey(catalogue(), account.id, uuid('id'));
  return { status: 204 };
});
