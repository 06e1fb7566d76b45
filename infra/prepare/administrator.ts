import { createAccount } from '../../lib/access/manage-accounts.ts';
import { hashPassword } from '../../lib/access/passwords.ts';
import { withRequestAudit } from '../../lib/audit/request-audit.ts';
import { advisoryLocks, transaction } from '../../lib/runtime/catalogue.ts';

/** Creates an administrator unless there is one, disabled or not. Returns whether it did. */
export async function createFirstAdministrator(email: string, password: string): Promise<boolean> {
  const passwordHash = await hashPassword(password);
  return withRequestAudit(
    {
      actor: 'command',
      action: 'account.create',
      target: email,
      address: null,
      details: {},
      recorded: false,
    },
    () =>
      transaction(async (client) => {
        await client.query('select pg_advisory_xact_lock($1)', [advisoryLocks.administrators]);
        const { rowCount } = await client.query(
          `select 1 from accounts where role = 'admin' limit 1`,
        );
        if (rowCount !== 0) return false;
        await createAccount(client, {
          email,
          role: 'admin',
          mayRequestByEvent: false,
          passwordHash,
        });
        return true;
      }),
  );
}
