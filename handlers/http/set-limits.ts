import { administrator } from '../../lib/access/authenticate.ts';
import { setLimits } from '../../lib/access/limits.ts';
import { limitsSchema } from '../../lib/contracts/limits.ts';
import { http } from '../../lib/runtime/http.ts';

/** PUT /accounts/{email}/limits */
export const handler = http(
  administrator('see or set the limits of accounts'),
  async ({ param, body }) => ({
    status: 200,
    body: await setLimits(param('email'), body(limitsSchema)),
  }),
);
