import { createApiKey } from '../../lib/access/api-keys.ts';
import { authenticate } from '../../lib/access/authenticate.ts';
import { newApiKeySchema } from '../../lib/contracts/api-keys.ts';
import { transaction } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** POST /keys */
export const handler = httpHandler(authenticate, async ({ account, body }) => {
  const request = body(newApiKeySchema);
  return {
    status: 201,
    body: await transaction((client) => createApiKey(client, account, request)),
  };
});
