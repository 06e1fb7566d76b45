import type { AccountLimits } from '../contracts/limits.ts';
import { catalogue, type Queryable } from '../runtime/catalogue.ts';
import { AppError } from '../runtime/errors.ts';

/** SQL: the limits of account `a` as JSON, without the quotas that it has by default. */
export const limitsJson = `json_build_object('maxRows', a.max_rows, 'maxBytes', a.max_bytes)::jsonb
  || jsonb_strip_nulls(jsonb_build_object('maxRunningExports', a.max_running_exports,
    'maxRowsPerDay', a.max_rows_per_day, 'maxBytesPerDay', a.max_bytes_per_day)) as limits`;

/** Returns the limits and quotas of an account. Throws `not_found`. */
export async function readLimits(email: string): Promise<AccountLimits> {
  const { rows } = await catalogue().query<{ limits: AccountLimits }>(
    `select ${limitsJson} from accounts a where lower(a.email) = lower($1)`,
    [email],
  );
  return requireFound(rows[0], email);
}

/** Sets the limits for exports requested, and units started, from now on. Throws `not_found`. */
export async function setLimits(
  email: string,
  limits: AccountLimits,
  client: Queryable = catalogue(),
): Promise<AccountLimits> {
  const { rows } = await client.query<{ limits: AccountLimits }>(
    `update accounts a set max_rows = $2, max_bytes = $3, max_running_exports = $4,
       max_rows_per_day = $5, max_bytes_per_day = $6
     where lower(a.email) = lower($1)
     returning ${limitsJson}`,
    [
      email,
      limits.maxRows,
      limits.maxBytes,
      limits.maxRunningExports ?? null,
      limits.maxRowsPerDay ?? null,
      limits.maxBytesPerDay ?? null,
    ],
  );
  return requireFound(rows[0], email);
}

function requireFound(row: { limits: AccountLimits } | undefined, email: string): AccountLimits {
  if (!row) throw new AppError('not_found', `Account ${email} not found.`);
  return row.limits;
}
