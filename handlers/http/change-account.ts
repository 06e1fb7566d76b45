import { administrator } from '../../lib/access/authenticate.ts';
import { changeAccount } from '../../lib/access/manage-accounts.ts';
import { recordRequest } from '../../lib/audit/record-audit.ts';
import { accountChangeSchema } from '../../lib/contracts/accounts.ts';
import { transaction } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** PATCH /admin/accounts/{email} */
export const handler = httpHandler(administrator('manage accounts'), async ({ param, body }) => {
  const change = body(accountChangeSchema);
  return {
    status: 200,
    body: await transaction(async (client) => {
      const account = await changeAccount(client, param('email'), change);
      const { limits, ...rest } = change;
      await recordRequest(client, { details: { ...rest, ...limits } });
      return account;
    }),
  };
});
