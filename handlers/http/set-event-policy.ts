import { administrator } from '../../lib/access/authenticate.ts';
import { setEventPolicy } from '../../lib/access/event-policy.ts';
import { eventPolicySchema } from '../../lib/contracts/event-policy.ts';
import { http } from '../../lib/runtime/http.ts';

/** PUT /accounts/{email}/event-policy */
export const handler = http(
  administrator('see or set which events may ask in the name of accounts'),
  async ({ param, body }) => {
    return { status: 200, body: await setEventPolicy(param('email'), body(eventPolicySchema)) };
  },
);
