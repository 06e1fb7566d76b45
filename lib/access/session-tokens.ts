import { errors, type JWK, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { Session } from '../contracts/sessions.ts';
import { config } from '../runtime/config.ts';

/**
 * The name of the algorithm is from RFC 9864, which deprecates `EdDSA` because that does not name the curve. It is fixed:
 * a token cannot choose another one.
 */
const algorithm = 'Ed25519';
const issuer = 'streamsync';
/** So that no other signature of the same key is accepted as a token (RFC 8725, 3.11). */
const type = 'JWT';

/** The account and the session of a token. */
export interface SessionIds {
  accountId: string;
  sessionId: string;
}

const claimsSchema = z.object({ sub: z.uuid(), sid: z.uuid() });

/** Returns the token of a session that starts at `now`, signed by the first of the signing keys. */
export async function signSessionToken(
  { accountId, sessionId }: SessionIds,
  now: Date,
): Promise<Session> {
  const { signingKeys, sessionTtlSeconds, url } = config();
  const { kid, x, d } = signingKeys.signing;
  const issuedAt = Math.floor(now.getTime() / 1_000);
  const expires = issuedAt + sessionTtlSeconds;
  const token = await new SignJWT({ sid: sessionId })
    .setProtectedHeader({ alg: algorithm, typ: type, kid })
    .setIssuer(issuer)
    // Other deployments reject the token, even if they share the key.
    .setAudience(url)
    .setSubject(accountId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(expires)
    .sign({ kty: 'OKP', crv: 'Ed25519', x, d });
  return { token, expiresAt: new Date(expires * 1_000).toISOString() };
}

/**
 * Returns account and session of an unexpired token that one of the published keys has signed for this deployment;
 * undefined for any other. A former key stays valid while it is published, so that a new key ends no session.
 */
export async function readSessionToken(token: string): Promise<SessionIds | undefined> {
  try {
    const { payload } = await jwtVerify(token, ({ kid }) => publishedKey(kid), {
      issuer,
      audience: config().url,
      algorithms: [algorithm],
      typ: type,
      requiredClaims: ['exp', 'sub', 'aud', 'sid'],
    });
    const claims = claimsSchema.safeParse(payload);
    return claims.success ? { accountId: claims.data.sub, sessionId: claims.data.sid } : undefined;
  } catch {
    return undefined;
  }
}

function publishedKey(kid: string | undefined): JWK {
  const key = config().signingKeys.published.keys.find((published) => published.kid === kid);
  if (!key) throw new errors.JWKSNoMatchingKey();
  return key;
}
