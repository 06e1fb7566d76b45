import { authenticate } from '../../lib/access/authenticate.ts';
import { readLimits } from '../../lib/access/limits.ts';
import { http } from '../../lib/runtime/http.ts';

/** GET /accounts/{email}/limits */
export const handler = http(authenticate, async ({ account, param }) => ({
  status: 200,
  body: await readLimits(account, param('email')),
}));
