import { authenticate } from '../../lib/access/authenticate.ts';
import { changePassword } from '../../lib/access/change-password.ts';
import { passwordChangeSchema } from '../../lib/contracts/accounts.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { clientAddress } from '../../lib/runtime/door.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** PUT /me/password */
export const handler = httpHandler(authenticate, async ({ account, body, header }) => {
  const change = body(passwordChangeSchema, sizes.signInBytes);
  await changePassword(account, change, clientAddress(header));
  return { status: 204 };
});
