import { jwtVerify, SignJWT } from 'jose';
import type { Session } from '../contracts/sessions.ts';
import { catalogue } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { Refusal } from '../runtime/errors.ts';
import { passwordHashOf } from './accounts.ts';
import { hashPassword, verifyPassword } from './passwords.ts';

const issuer = 'streamsync';
const key = (): Uint8Array => new TextEncoder().encode(config().tokenSecret);

let decoy: Promise<string> | undefined;

/** Signs in by email and password. Throws `wrong_credentials`, not telling which of the two is wrong. */
export async function signIn(email: string, password: string): Promise<Session> {
  const account = await passwordHashOf(catalogue(), email);
  // An unknown email takes as long as a wrong password, or the time would tell which exist.
  decoy ??= hashPassword('decoy');
  const right = await verifyPassword(password, account?.hash ?? (await decoy));
  if (!account || !right)
    throw new Refusal('wrong_credentials', 'Email or password is not right. Try again.');
  const now = Math.floor(Date.now() / 1_000);
  const expires = now + config().sessionSeconds;
  const token = await new SignJWT()
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(issuer)
    .setSubject(account.id)
    .setIssuedAt(now)
    .setExpirationTime(expires)
    .sign(key());
  return { token, expiresAt: new Date(expires * 1_000).toISOString() };
}

/** The account id in a token that is ours and not over; undefined otherwise. */
export async function accountIdOf(token: string): Promise<string | undefined> {
  try {
    const { payload } = await jwtVerify(token, key(), { issuer, algorithms: ['HS256'] });
    return payload.sub;
  } catch {
    return undefined;
  }
}
