import type { AccountGrant, Grant } from '../contracts/grants.ts';

/** Returns SQL for the grants of an account, as JSON in the order of source and dataset. */
export const grantsJson = (accountId: string): string => `(
  select coalesce(json_agg(json_build_object(
    'source', g.source, 'dataset', g.dataset, 'columns', g.columns, 'where', g."where"
  ) order by g.source, g.dataset), '[]') from grants g where g.account_id = ${accountId})`;

/** Returns a grant as clients see it: without what is empty. */
export const grantDocument = ({ source, dataset, columns, where }: Grant): AccountGrant => ({
  source,
  dataset,
  ...(Object.keys(columns).length === 0 ? {} : { columns }),
  ...(where.length === 0 ? {} : { where }),
});
