import { recordRequest } from '../audit/record-audit.ts';
import type { AccountGrant, Grants } from '../contracts/grants.ts';
import type { FieldError } from '../contracts/problem.ts';
import { transaction } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { AppError, invalidFields } from '../runtime/errors.ts';
import { grantDocument } from './grants-json.ts';

/**
 * Replaces the grants of an account, for every call, unit and download from now on. Throws `not_found`, and
 * `invalid_request` for a source that is not configured, and for a hash if the deployment has no secret for hashes.
 */
export async function setGrants(
  email: string,
  { grants }: Grants,
): Promise<{ grants: AccountGrant[] }> {
  const errors = grants.flatMap((grant, n): FieldError[] => [
    ...unknownSource(grant, n),
    ...unhashable(grant, n),
  ]);
  if (errors.length > 0) throw invalidFields(errors);
  await transaction(async (client) => {
    const { rows } = await client.query<{ id: string }>(
      'select id from accounts where lower(email) = lower($1) for update',
      [email],
    );
    const [account] = rows;
    if (!account) throw new AppError('not_found', `Account ${email} not found.`);
    const { id } = account;
    await client.query('delete from grants where account_id = $1', [id]);
    await client.query(
      `insert into grants (account_id, source, dataset, columns, "where")
       select $1, g->>'source', g->>'dataset', g->'columns', g->'where' from jsonb_array_elements($2::jsonb) g`,
      [id, JSON.stringify(grants)],
    );
    await recordRequest(client, {
      details: { grants: grants.map(({ source, dataset }) => `${source}/${dataset}`) },
    });
  });
  return { grants: grants.map(grantDocument) };
}

function unknownSource({ source }: Grants['grants'][number], n: number): FieldError[] {
  const { sources } = config();
  if (sources.has(source)) return [];
  const message = `names no source of the configuration: ${source}`;
  return [{ field: `grants.${n}.source`, message, allowed: [...sources.keys()] }];
}

function unhashable({ columns }: Grants['grants'][number], n: number): FieldError[] {
  if (config().hashSecret !== undefined) return [];
  return Object.entries(columns)
    .filter(([, policy]) => policy === 'hash')
    .map(([name]) => ({
      field: `grants.${n}.columns.${name}`,
      message: 'cannot be hash: this deployment has no STREAMSYNC_HASH_SECRET',
      allowed: ['allow', 'drop', 'mask'],
    }));
}
