import { authenticate } from '../../lib/access/authenticate.ts';
import { setLimits } from '../../lib/access/limits.ts';
import { limitsSchema } from '../../lib/contracts/limits.ts';
import { http } from '../../lib/runtime/http.ts';

/** PUT /accounts/{email}/limits */
export const handler = http(authenticate, async ({ account, param, body }) => ({
  status: 200,
  body: await setLimits(account, param('email'), body(limitsSchema)),
}));
