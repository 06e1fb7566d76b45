import { administrator } from '../../lib/access/authenticate.ts';
import { readLimits } from '../../lib/access/limits.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /accounts/{email}/limits */
export const handler = httpHandler(
  administrator('see or set the limits of accounts'),
  async ({ param }) => ({
    status: 200,
    body: await readLimits(param('email')),
  }),
);
