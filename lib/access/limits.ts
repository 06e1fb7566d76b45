import type { Limits } from '../contracts/limits.ts';
import { catalogue } from '../runtime/catalogue.ts';
import { Refusal } from '../runtime/errors.ts';
import type { Account } from './accounts.ts';
import { requireAdministrator } from './administrator.ts';

const columns = 'max_rows as "maxRows", max_bytes as "maxBytes"';

/** What one export of an account may be, for an administrator. */
export async function readLimits(by: Account, email: string): Promise<Limits> {
  requireAdministrator(by, 'see or set the limits of accounts');
  const { rows } = await catalogue().query<Limits>(
    `select ${columns} from accounts where lower(email) = lower($1)`,
    [email],
  );
  return known(rows[0], email);
}

/** Counts for exports that are asked for from now on, and for units that are begun from now on. */
export async function setLimits(
  by: Account,
  email: string,
  { maxRows, maxBytes }: Limits,
): Promise<Limits> {
  requireAdministrator(by, 'see or set the limits of accounts');
  const { rows } = await catalogue().query<Limits>(
    `update accounts set max_rows = $2, max_bytes = $3 where lower(email) = lower($1)
     returning ${columns}`,
    [email, maxRows, maxBytes],
  );
  return known(rows[0], email);
}

function known(limits: Limits | undefined, email: string): Limits {
  if (!limits) throw new Refusal('not_found', `There is no account ${email}.`);
  return limits;
}
