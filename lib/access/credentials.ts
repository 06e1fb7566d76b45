import type { Scope } from '../contracts/scopes.ts';

/**
 * SQL joins of the API key and the session by which something was asked for, such as a ticket; at most one of them
 * exists.
 */
export const credentialJoins = (alias: string): string =>
  `left join api_keys issuing_key on issuing_key.id = ${alias}.api_key_id
  left join sessions issuing_session on issuing_session.id = ${alias}.session_id`;

/** SQL: neither the key nor the session was revoked, and the key has not expired. */
export const isCredentialValid = `(issuing_key.revoked_at is null and coalesce(issuing_key.expires_at > now(), true)
  and issuing_session.revoked_at is null)`;

/** SQL: the same, and the session has not expired. */
export const isCredentialCurrent = `(${isCredentialValid} and coalesce(issuing_session.expires_at > now(), true))`;

/** SQL: the key, if there is one, has the scope. */
export const hasScope = (scope: Scope): string =>
  `coalesce('${scope}' = any(issuing_key.scopes), true)`;
