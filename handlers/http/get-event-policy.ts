import { administrator } from '../../lib/access/authenticate.ts';
import { readEventPolicy } from '../../lib/access/event-policy.ts';
import { http } from '../../lib/runtime/http.ts';

/** GET /accounts/{email}/event-policy */
export const handler = http(
  administrator('see or set which events may ask in the name of accounts'),
  async ({ param }) => {
    return { status: 200, body: await readEventPolicy(param('email')) };
  },
);
