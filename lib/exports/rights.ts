import { catalogue } from '../runtime/catalogue.ts';
import { AppError } from '../runtime/errors.ts';

/**
 * SQL: whether account `a` may see of the dataset of export `e` what it might when the export was requested, not less
 * and not more. Grants are checked at each use, not only at the request.
 */
export const mayStillRead = `(a.disabled_at is null
  and coalesce(policy_of(a.id, e.request) = e.policy, false))`;

/** SQL: the policy of an export that is requested now, by the parameters of the account and the request. */
export const policyNow = (accountId: string, request: string): string =>
  // No policy is equal to it: the grant was withdrawn meanwhile.
  `coalesce(policy_of(${accountId}, ${request}), 'none')`;

/** The failure of an export whose owner lost a grant, or got another one, before it was ready. */
export const rightWithdrawn = {
  code: 'forbidden',
  message:
    'The right to read this was withdrawn or changed before the export was ready. Run the export again, or ask your administrator for the right.',
} as const;

/**
 * Throws `forbidden` unless the owner of an export may still see what its file shows: under other grants the file would
 * be another one.
 */
export async function requireStillGranted(exportId: string): Promise<void> {
  const { rows } = await catalogue().query<{ permitted: boolean }>(
    `select ${mayStillRead} as permitted from exports e join accounts a on a.id = e.owner_id
     where e.id = $1`,
    [exportId],
  );
  if (rows[0]?.permitted === true) return;
  throw new AppError(
    'forbidden',
    'The right to read this was withdrawn or changed. Run the export again, or ask your administrator for the right.',
  );
}
