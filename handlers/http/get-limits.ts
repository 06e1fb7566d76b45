import { administrator } from '../../lib/access/authenticate.ts';
import { readLimits } from '../../lib/access/limits.ts';
import { http } from '../../lib/runtime/http.ts';

/** GET /accounts/{email}/limits */
export const handler = http(
  administrator('see or set the limits of accounts'),
  async ({ param }) => ({
    status: 200,
    body: await readLimits(param('email')),
  }),
);
