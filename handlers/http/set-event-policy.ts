import { authenticate } from '../../lib/access/authenticate.ts';
import { requireEventAdministrator, setEventPolicy } from '../../lib/access/event-policy.ts';
import { eventPolicySchema } from '../../lib/contracts/event-policy.ts';
import { http } from '../../lib/runtime/http.ts';

/** PUT /accounts/{email}/event-policy */
export const handler = http(authenticate, async ({ account, param, body }) => {
  requireEventAdministrator(account);
  return { status: 200, body: await setEventPolicy(param('email'), body(eventPolicySchema)) };
});
