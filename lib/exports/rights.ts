import type { Account } from '../access/accounts.ts';
import type { ExportRequest } from '../contracts/export-request.ts';
import { Refusal } from '../runtime/errors.ts';

/**
 * Whether account `a` may still read what export `e` was asked of: rights count at the moment of each use, not at the
 * moment of asking. Looked up source by source (`offset 0`): a join would read all grants there are.
 */
export const mayStillRead = `(a.disabled_at is null and not exists (
  select 1 from json_array_elements_text(e.request->'sources') wanted
  where not exists (select 1 from grants g where g.account_id = a.id and g.source = wanted offset 0)))`;

/** How an export fails whose owner lost the right to it before it was ready. */
export const rightWithdrawn = {
  code: 'forbidden',
  message:
    'The right to read this was withdrawn before the export was ready. Ask your administrator for it, then run the export again.',
} as const;

/** Throws `forbidden` unless the account may still read every source of a request of its own. */
export function requireStillGranted(account: Account, { sources }: ExportRequest): void {
  if (sources.every((source) => account.sources.includes(source))) return;
  throw new Refusal(
    'forbidden',
    'The right to read this was withdrawn. Ask your administrator for it.',
  );
}
