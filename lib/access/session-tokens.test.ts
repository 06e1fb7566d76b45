import { createPublicKey, generateKeyPairSync, type JsonWebKey, randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { base64url, decodeJwt, decodeProtectedHeader, type JWTPayload, SignJWT } from 'jose';
import { readSessionToken, signSessionToken } from './session-tokens.ts';

const newKey = (kid: string) => {
  const { x = '', d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { kty: 'OKP', crv: 'Ed25519', kid, x, d };
};
const [current, former, foreign] = [newKey('current'), newKey('former'), newKey('foreign')];
const { d: _, ...formerPublic } = former;
const url = 'https://streamsync.example';
const sessionTtlSeconds = 600;
Object.assign(process.env, {
  STREAMSYNC_URL: url,
  STREAMSYNC_CATALOGUE_URL: 'postgres://user@127.0.0.1:1/none',
  STREAMSYNC_SOURCES: '{}',
  STREAMSYNC_KAFKA_BROKERS: '127.0.0.1:1',
  STREAMSYNC_S3_BUCKET: 'none',
  STREAMSYNC_TOKEN_SECRET: 't'.repeat(43),
  STREAMSYNC_DOOR_SECRET: 'd'.repeat(43),
  STREAMSYNC_SIGNING_KEYS: JSON.stringify({ keys: [current, formerPublic] }),
  STREAMSYNC_SESSION_TTL_SECONDS: String(sessionTtlSeconds),
});

const ids = { accountId: randomUUID(), sessionId: randomUUID() };
const now = new Date();
const secondsAgo = (seconds: number): Date => new Date(now.getTime() - seconds * 1_000);
const { token, expiresAt } = await signSessionToken(ids, now);
const header = { alg: 'Ed25519', ...decodeProtectedHeader(token) };

interface Changes {
  claims?: JWTPayload;
  without?: string;
  header?: Record<string, string | undefined>;
  key?: ReturnType<typeof newKey>;
}

const claimsWith = ({ claims = {}, without }: Changes): JWTPayload =>
  Object.fromEntries(
    Object.entries({ ...decodeJwt(token), ...claims }).filter(([claim]) => claim !== without),
  );

/** Returns a correctly signed token that differs from a real one only by the changes. */
const tokenWith = (changes: Changes): Promise<string> =>
  new SignJWT(claimsWith(changes))
    .setProtectedHeader({ ...header, ...changes.header })
    .sign(changes.key ?? current);

test('a session ends at expiresAt, STREAMSYNC_SESSION_TTL_SECONDS after its start', async () => {
  expect(await readSessionToken(token)).toEqual(ids);
  const ended = await signSessionToken(ids, secondsAgo(sessionTtlSeconds + 1));
  expect(Date.parse(ended.expiresAt)).toBeLessThan(now.getTime());
  expect(await readSessionToken(ended.token)).toBeUndefined();
  const almost = await signSessionToken(ids, secondsAgo(sessionTtlSeconds - 60));
  expect(await readSessionToken(almost.token)).toEqual(ids);
  const { exp = 0, iat = 0 } = decodeJwt(token);
  expect(exp - iat).toBe(sessionTtlSeconds);
  expect(Date.parse(expiresAt)).toBe(exp * 1_000);
});

test('a token of a former key is accepted while the key is published', async () => {
  const byFormer = await tokenWith({ header: { kid: 'former' }, key: former });
  expect(await readSessionToken(byFormer)).toEqual(ids);
  const byForeign = await tokenWith({ header: { kid: 'foreign' }, key: foreign });
  expect(await readSessionToken(byForeign)).toBeUndefined();
});

test('readSessionToken accepts a token with all claims', async () => {
  expect(await readSessionToken(await tokenWith({}))).toEqual(ids);
});

test.each<[string, Changes]>([
  ['without an expiry', { without: 'exp' }],
  ['without an account', { without: 'sub' }],
  ['without a session', { without: 'sid' }],
  ['with a session that is not an id', { claims: { sid: 'x' } }],
  ['without an audience', { without: 'aud' }],
  ['for another audience', { claims: { aud: 'https://other.example' } }],
  ['without an issuer', { without: 'iss' }],
  ['of another issuer', { claims: { iss: 'another issuer' } }],
  ['that is not valid yet', { claims: { nbf: Math.floor(now.getTime() / 1_000) + 60 } }],
  ['with the kid of another key', { header: { kid: 'former' } }],
  ['with an unknown kid', { header: { kid: 'unknown' } }],
  ['without kid', { header: { kid: undefined } }],
  ['of another type', { header: { typ: 'streamsync-manifest+jws' } }],
  ['without type', { header: { typ: undefined } }],
  ['that names the algorithm of another RFC', { header: { alg: 'EdDSA' } }],
])('readSessionToken rejects a correctly signed token %s', async (_name, changes) => {
  expect(await readSessionToken(await tokenWith(changes))).toBeUndefined();
});

test('readSessionToken rejects alg none, with and without a signature', async () => {
  const encode = (value: object): string => base64url.encode(JSON.stringify(value));
  const unsigned = `${encode({ ...header, alg: 'none' })}.${encode(claimsWith({}))}`;
  const [, , signature = ''] = token.split('.');
  expect(await readSessionToken(`${unsigned}.`)).toBeUndefined();
  expect(await readSessionToken(`${unsigned}.${signature}`)).toBeUndefined();
});

/** What is public of a key, in every form that code may take for a shared secret. */
const publicForms = (jwk: JsonWebKey): [string, Uint8Array][] => {
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  return [
    ['its bytes', base64url.decode(jwk.x ?? '')],
    ['its text', new TextEncoder().encode(jwk.x)],
    ['PEM', Buffer.from(key.export({ type: 'spki', format: 'pem' }))],
    ['DER', key.export({ type: 'spki', format: 'der' })],
  ];
};

test.each(publicForms(formerPublic))(
  'readSessionToken rejects HS256 signed with the public key as %s',
  async (_form, secret) => {
    const forged = await new SignJWT(claimsWith({}))
      .setProtectedHeader({ ...header, kid: 'former', alg: 'HS256' })
      .sign(secret);
    expect(await readSessionToken(forged)).toBeUndefined();
  },
);
