import { administrator } from '../../lib/access/authenticate.ts';
import { createAccount, newInitialPassword } from '../../lib/access/manage-accounts.ts';
import { hashInTurn } from '../../lib/access/sessions.ts';
import { describeRequest } from '../../lib/audit/request-audit.ts';
import { newAccountSchema } from '../../lib/contracts/accounts.ts';
import { transaction } from '../../lib/runtime/catalogue.ts';
import { clientAddress } from '../../lib/runtime/door.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** POST /admin/accounts */
export const handler = httpHandler(administrator('manage accounts'), async ({ body, header }) => {
  const { password, ...account } = body(newAccountSchema);
  describeRequest({ target: account.email, details: { ...account } });
  const initialPassword = password ?? newInitialPassword();
  const passwordHash = await hashInTurn(initialPassword, clientAddress(header));
  const created = await transaction((client) =>
    createAccount(client, { ...account, passwordHash }),
  );
  return {
    status: 201,
    body: password === undefined ? { ...created, initialPassword } : created,
  };
});
