import { authenticate } from '../../lib/access/authenticate.ts';
import { readEventPolicy, requireEventAdministrator } from '../../lib/access/event-policy.ts';
import { http } from '../../lib/runtime/http.ts';

/** GET /accounts/{email}/event-policy */
export const handler = http(authenticate, async ({ account, param }) => {
  requireEventAdministrator(account);
  return { status: 200, body: await readEventPolicy(param('email')) };
});
