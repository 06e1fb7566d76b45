import { administrator } from '../../lib/access/authenticate.ts';
import { listAccounts } from '../../lib/access/manage-accounts.ts';
import { accountListQuerySchema } from '../../lib/contracts/accounts.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /admin/accounts */
export const handler = httpHandler(administrator('manage accounts'), async ({ query }) => ({
  status: 200,
  body: await listAccounts(catalogue(), query(accountListQuerySchema)),
}));
