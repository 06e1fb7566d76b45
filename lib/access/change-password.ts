import { recordRequest } from '../audit/record-audit.ts';
import { catalogue, transaction } from '../runtime/catalogue.ts';
import { AppError, invalidFields } from '../runtime/errors.ts';
import { type Account, passwordHashOf } from './accounts.ts';
import { endSessions, hashInTurn, isPasswordOf } from './sessions.ts';

/**
 * Changes the password of the account of a call, and ends its other sessions. Throws `invalid_request`, and
 * `too_many_requests` after too many wrong passwords, which count as failed sign-ins.
 */
export async function changePassword(
  account: Account,
  { currentPassword, newPassword }: { currentPassword: string; newPassword: string },
  address: string,
): Promise<void> {
  const stored = await passwordHashOf(catalogue(), account.email);
  if (!(await isPasswordOf(stored, currentPassword, { email: account.email, address })) || !stored)
    throw invalidFields([{ field: 'currentPassword', message: 'is not correct' }]);
  if (newPassword === currentPassword)
    throw invalidFields([{ field: 'newPassword', message: 'must differ from the current one' }]);
  const hash = await hashInTurn(newPassword, address);
  await transaction(async (client) => {
    const { rowCount } = await client.query(
      'update accounts set password_hash = $2 where id = $1 and password_hash = $3',
      [account.id, hash, stored.hash],
    );
    if (rowCount === 0)
      throw new AppError('conflict', 'The password was changed at the same time. Sign in again.');
    const sessions = await endSessions(client, account.id, account.sessionId);
    await recordRequest(client, { target: account.email, details: { sessions } });
  });
}
