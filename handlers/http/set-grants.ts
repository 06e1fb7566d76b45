import { administrator } from '../../lib/access/authenticate.ts';
import { setGrants } from '../../lib/access/grants.ts';
import { grantsSchema } from '../../lib/contracts/grants.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** PUT /admin/accounts/{email}/grants */
export const handler = httpHandler(administrator('set grants'), async ({ param, body }) => ({
  status: 200,
  body: await setGrants(param('email'), body(grantsSchema)),
}));
