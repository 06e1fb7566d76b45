import { administrator } from '../../lib/access/authenticate.ts';
import { setEventPolicy } from '../../lib/access/event-policy.ts';
import { eventPolicySchema } from '../../lib/contracts/event-policy.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** PUT /accounts/{email}/event-policy */
export const handler = httpHandler(
  administrator('see or set the event policies of accounts'),
  async ({ param, body }) => {
    return { status: 200, body: await setEventPolicy(param('email'), body(eventPolicySchema)) };
  },
);
