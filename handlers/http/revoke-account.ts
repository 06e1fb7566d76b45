import { administrator } from '../../lib/access/authenticate.ts';
import { revokeAccount } from '../../lib/access/manage-accounts.ts';
import { recordRequest } from '../../lib/audit/record-audit.ts';
import { transaction } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** POST /admin/accounts/{email}/revocations */
export const handler = httpHandler(administrator('manage accounts'), async ({ param }) => ({
  status: 200,
  body: await transaction(async (client) => {
    const ended = await revokeAccount(client, param('email'));
    await recordRequest(client, { details: { ...ended } });
    return ended;
  }),
}));
