import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader, type JWTPayload, SignJWT } from 'jose';
import { accountIdOf, startSession } from './sessions.ts';

const secret = 'a secret of more than 32 characters';
const url = 'https://streamsync.example';
const sessionSeconds = 600;
Object.assign(process.env, {
  STREAMSYNC_URL: url,
  STREAMSYNC_CATALOGUE_URL: 'postgres://nobody@127.0.0.1:1/none',
  STREAMSYNC_SOURCES: '{}',
  STREAMSYNC_KAFKA_BROKERS: '127.0.0.1:1',
  STREAMSYNC_S3_BUCKET: 'none',
  STREAMSYNC_TOKEN_SECRET: secret,
  STREAMSYNC_DOOR_SECRET: 'd'.repeat(43),
  STREAMSYNC_SIGNING_KEYS: JSON.stringify({
    keys: [
      {
        kty: 'OKP',
        crv: 'Ed25519',
        kid: 'test',
        x: 'EBa6OzgfhTRcMgfLdqAaWMS3cffsY41HlEEspTrT1So',
        d: 'vKl7D5-z0ibNEAD_gJ468SWLpQreQ5Sy0xzKO34Y69c',
      },
    ],
  }),
  STREAMSYNC_SESSION_SECONDS: String(sessionSeconds),
});

const id = randomUUID();
const now = new Date();
const secondsAgo = (seconds: number): Date => new Date(now.getTime() - seconds * 1_000);
const { token, expiresAt } = await startSession(id, now);
const { kid = '' } = decodeProtectedHeader(token);

interface Changes {
  claims?: JWTPayload;
  without?: string;
  kid?: string | null;
}

/** A token with our signature and everything that ours have, but for these changes. */
const tokenWith = ({ claims = {}, without, kid: name = kid }: Changes): Promise<string> =>
  new SignJWT(
    Object.fromEntries(
      Object.entries({ ...decodeJwt(token), ...claims }).filter(([claim]) => claim !== without),
    ),
  )
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...(name === null ? {} : { kid: name }) })
    .sign(new TextEncoder().encode(secret));

test('a session ends when it says, after as many seconds as are configured', async () => {
  expect(await accountIdOf(token)).toBe(id);
  const ended = await startSession(id, secondsAgo(sessionSeconds + 1));
  expect(Date.parse(ended.expiresAt)).toBeLessThan(now.getTime());
  expect(await accountIdOf(ended.token)).toBeUndefined();
  const almost = await startSession(id, secondsAgo(sessionSeconds - 60));
  expect(await accountIdOf(almost.token)).toBe(id);
  const { exp = 0, iat = 0 } = decodeJwt(token);
  expect(exp - iat).toBe(sessionSeconds);
  expect(Date.parse(expiresAt)).toBe(exp * 1_000);
});

test('a token that is like ours in everything is taken', async () => {
  expect(await accountIdOf(await tokenWith({}))).toBe(id);
});

test.each<[string, Changes]>([
  ['without an end', { without: 'exp' }],
  ['without an account', { without: 'sub' }],
  ['without an audience', { without: 'aud' }],
  ['for another deployment', { claims: { aud: 'https://other.example' } }],
  ['of another issuer', { claims: { iss: 'somebody' } }],
  ['of a secret by another name', { kid: 'another' }],
  ['of a secret without a name', { kid: null }],
])('a token %s is refused, although its signature is right', async (_name, changes) => {
  expect(await accountIdOf(await tokenWith(changes))).toBeUndefined();
});
