import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { jwtVerify, SignJWT } from 'jose';
import type { Session } from '../contracts/sessions.ts';
import { catalogue } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { Refusal } from '../runtime/errors.ts';
import { Turns } from '../runtime/turns.ts';
import { passwordHashOf } from './accounts.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import {
  blockOf,
  recordFailure,
  requireFailuresLeft,
  type SignInAttempt,
} from './sign-in-limits.ts';

const issuer = 'streamsync';
const algorithm = 'HS256';
const key = (): Uint8Array => new TextEncoder().encode(config().tokenSecret);
/** A token is for one deployment, known by its origin, whatever else has the same secret. */
const audience = (): string => config().url;
/** Names the secret in a token's header without telling anything of it, for the day when there are two. */
const keyId = (): string =>
  createHash('sha256').update('kid\n').update(key()).digest('base64url').slice(0, 8);

/**
 * A derivation takes a core and 19 MiB for a twentieth of a second or more. Two at a time at most, and never all
 * cores: or everybody else's calls wait for the processor, and for the four threads that Node has for such work.
 */
const derivations = new Turns({
  running: Math.max(1, Math.min(2, availableParallelism() - 1)),
  waiting: 64,
  waitingOfCaller: 8,
});

let decoy: Promise<string> | undefined;

/**
 * Signs in by email and password. Throws `wrong_credentials`, not telling which of the two is wrong, and
 * `too_many_requests` after too many failures, of an email that does not exist, too, and with the right password.
 */
export async function signIn(by: SignInAttempt, password: string): Promise<Session> {
  await requireFailuresLeft(catalogue(), by);
  const account = await passwordHashOf(catalogue(), by.email);
  const right = await derivations.run(blockOf(by.address), async () => {
    // An unknown email takes as long as a wrong password, or the time would tell which exist.
    decoy ??= hashPassword('decoy');
    return verifyPassword(password, account?.hash ?? (await decoy));
  });
  if (!account || !right) {
    await recordFailure(catalogue(), by);
    throw new Refusal('wrong_credentials', 'Email or password is not right. Try again.');
  }
  // Others may have failed meanwhile: of guesses sent all at once, no more than the limit are answered.
  await requireFailuresLeft(catalogue(), by);
  return startSession(account.id, new Date());
}

/** Makes the token of a session that begins at `now`. */
export async function startSession(accountId: string, now: Date): Promise<Session> {
  const issuedAt = Math.floor(now.getTime() / 1_000);
  const expires = issuedAt + config().sessionSeconds;
  const token = await new SignJWT()
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', kid: keyId() })
    .setIssuer(issuer)
    .setAudience(audience())
    .setSubject(accountId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(expires)
    .sign(key());
  return { token, expiresAt: new Date(expires * 1_000).toISOString() };
}

/** Returns the account id in a token that is ours, for us, and not over; undefined otherwise. */
export async function accountIdOf(token: string): Promise<string | undefined> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, key(), {
      issuer,
      audience: audience(),
      algorithms: [algorithm],
      requiredClaims: ['exp', 'sub', 'aud'],
    });
    return protectedHeader.kid === keyId() ? payload.sub : undefined;
  } catch {
    return undefined;
  }
}
