import { administrator } from '../../lib/access/authenticate.ts';
import { readEventPolicy } from '../../lib/access/event-policy.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /accounts/{email}/event-policy */
export const handler = httpHandler(
  administrator('see or set the event policies of accounts'),
  async ({ param }) => {
    return { status: 200, body: await readEventPolicy(param('email')) };
  },
);
