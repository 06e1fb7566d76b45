import { recordAudit, recordRequest } from '../audit/record-audit.ts';
import type { Session } from '../contracts/sessions.ts';
import { type Queryable, transaction } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { AppError } from '../runtime/errors.ts';
import { insertAccount } from './manage-accounts.ts';
import type { Identity } from './oidc.ts';
import { newSecret } from './secrets.ts';
import { hashInTurn, type Origin, startSession } from './sessions.ts';

interface LinkedAccount {
  id: string;
  email: string;
  is_disabled: boolean;
}

/**
 * Starts a session of the account that is linked to an identity. An identity that is new is linked to the account with
 * its verified email, from then on whatever its email is: another person who gets the email later is another identity.
 * Throws `forbidden` if there is no such account, or it is disabled or linked to another identity of the provider.
 */
export async function signInByIdentity(identity: Identity, origin: Origin): Promise<Session> {
  const passwordHash = config().oidc?.createAccounts
    ? await hashInTurn(newSecret(), origin.address)
    : null;
  return transaction(async (client) => {
    const account =
      (await findLinked(client, identity)) ??
      (await link(client, identity, passwordHash, origin.address));
    if (!account || account.is_disabled)
      throw new AppError(
        'forbidden',
        'You have signed in with the provider, but have no account here. Ask your administrator for one.',
      );
    const session = await startSession(client, account.id, origin);
    await recordRequest(client, {
      actor: { id: account.id, email: account.email },
      target: account.email,
      details: { issuer: identity.issuer },
    });
    return session;
  });
}

async function findLinked(
  client: Queryable,
  { issuer, subject }: Identity,
): Promise<LinkedAccount | undefined> {
  const { rows } = await client.query<LinkedAccount>(
    `select a.id, a.email, a.disabled_at is not null as is_disabled
     from account_identities i join accounts a on a.id = i.account_id
     where i.issuer = $1 and i.subject = $2`,
    [issuer, subject],
  );
  return rows[0];
}

/** Links an identity by its verified email. `passwordHash`: for an account that is created; null: none is. */
async function link(
  client: Queryable,
  { issuer, subject, verifiedEmail }: Identity,
  passwordHash: string | null,
  address: string,
): Promise<LinkedAccount | undefined> {
  if (verifiedEmail === null) return undefined;
  const account = await findByEmail(client, verifiedEmail);
  if (!account && passwordHash !== null) {
    const created = { email: verifiedEmail, role: 'analyst', mayRequestByEvent: false } as const;
    await insertAccount(client, { ...created, passwordHash });
    await recordAudit(
      client,
      {
        actor: 'anonymous',
        action: 'account.create',
        target: verifiedEmail,
        outcome: 'done',
        details: { issuer },
      },
      address,
    );
  }
  const linked = account ?? (await findByEmail(client, verifiedEmail));
  if (!linked) return undefined;
  const { rowCount } = await client.query(
    `insert into account_identities (issuer, subject, account_id) values ($1, $2, $3)
     on conflict do nothing`,
    [issuer, subject, linked.id],
  );
  // The account is linked to another identity, or a concurrent sign-in was first.
  return rowCount === 1 ? linked : findLinked(client, { issuer, subject, verifiedEmail });
}

async function findByEmail(client: Queryable, email: string): Promise<LinkedAccount | undefined> {
  const { rows } = await client.query<LinkedAccount>(
    `select a.id, a.email, a.disabled_at is not null as is_disabled
     from accounts a where lower(a.email) = lower($1)`,
    [email],
  );
  return rows[0];
}
