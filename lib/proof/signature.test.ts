import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import canonicalize from 'canonicalize';
import { base64url, CompactSign } from 'jose';
import { keySetExample, manifestExample } from '../contracts/examples.ts';
import type { PublicKey } from '../contracts/key-set.ts';
import { signManifest, verifyManifest } from './signature.ts';

function newKey(kid: string): { kid: string; x: string; d: string; published: PublicKey } {
  const { x = '', d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return {
    kid,
    x,
    d,
    published: { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', use: 'sig', kid, x },
  };
}

const [ours, former, foreign] = [newKey('ours'), newKey('former'), newKey('foreign')];
const published = [ours.published, former.published];
const signed = await signManifest(manifestExample, ours);
const [header = '', , value = ''] = signed.signature?.split('.') ?? [];
const headerOf = (fields: object): string => base64url.encode(JSON.stringify(fields));

test('the manifest of the contract is signed by the key of the contract', async () => {
  expect(await verifyManifest(manifestExample, keySetExample.keys)).toEqual({ kid: '2026-03' });
});

test('signManifest returns a JWS without payload, whose header has type and key', () => {
  expect(signed.signature).toMatch(/^[\w-]+\.\.[\w-]{86}$/);
  expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({
    alg: 'Ed25519',
    kid: 'ours',
    typ: 'streamsync-manifest+jws',
  });
});

test('signManifest replaces an existing signature', async () => {
  const signedAgain = await signManifest(signed, former);
  expect(await verifyManifest(signedAgain, published)).toEqual({ kid: 'former' });
});

test('the signature covers every field, even an unknown one, but not the order of keys, spaces and escapes', async () => {
  const reordered = Object.fromEntries(Object.entries(signed).toReversed());
  const text = JSON.stringify(reordered, null, 7).replaceAll('sales', String.raw`\u0073ales`);
  expect(await verifyManifest(JSON.parse(text), published)).toEqual({ kid: 'ours' });
  const { signature: _, ...plain } = signed;
  const newer = await signManifest(Object.assign({}, plain, { added: 'later' }), ours);
  expect(newer).toMatchObject({ added: 'later' });
  expect(await verifyManifest(newer, published)).toEqual({ kid: 'ours' });
  expect(await verifyManifest({ ...newer, added: 'Later' }, published)).toHaveProperty('rejected');
});

describe('verifyManifest rejects', () => {
  const rejectionOf = async (
    manifest: Record<string, unknown>,
    keys = published,
  ): Promise<string> => {
    const verdict = await verifyManifest(manifest, keys);
    return 'rejected' in verdict ? verdict.rejected : 'accepted';
  };

  test.each<[string, Record<string, unknown>]>([
    ['a changed field', { ...signed, createdBy: 'other@example.com' }],
    ['a changed number', { ...signed, file: { ...signed.file, rows: signed.file.rows + 1 } }],
    ['an added field', { ...signed, note: 'as approved' }],
    ['a removed field', { ...signed, skewSeconds: undefined }],
    ['__proto__ as a field', JSON.parse(JSON.stringify(signed).replace('{', '{"__proto__":{},'))],
  ])('%s', async (_, manifest) => {
    expect(await rejectionOf(manifest)).toContain('has not signed this content');
  });

  test('a key that is not published, and another key with a published id', async () => {
    expect(await rejectionOf(await signManifest(manifestExample, foreign))).toContain(
      'names the key foreign, which is not among the trusted keys',
    );
    const forged = await signManifest(manifestExample, { ...foreign, kid: 'ours' });
    expect(await rejectionOf(forged)).toContain('has not signed this content');
    expect(await rejectionOf(signed, [])).toContain('not among the trusted keys');
  });

  test('a manifest without a signature', async () => {
    expect(await rejectionOf({ ...signed, signature: undefined })).toContain('is not signed');
  });

  test.each([
    ['alg none', `${headerOf({ alg: 'none', kid: 'ours', typ: 'streamsync-manifest+jws' })}..`],
    [
      'alg none with a value',
      `${headerOf({ alg: 'none', kid: 'ours', typ: 'streamsync-manifest+jws' })}..${value}`,
    ],
    [
      'HMAC with the public key',
      `${headerOf({ alg: 'HS256', kid: 'ours', typ: 'streamsync-manifest+jws' })}..${value}`,
    ],
    [
      'a header that was not signed',
      `${headerOf({ typ: 'streamsync-manifest+jws', kid: 'ours', alg: 'Ed25519' })}..${value}`,
    ],
    ['a payload of its own', `${header}.${base64url.encode('{}')}.${value}`],
    ['another text', 'signed'],
    ['another type', 7],
    ['a header that is not JSON', `e30x..${value}`],
    ['a shortened value', `${header}..${value.slice(0, -4)}`],
  ])('%s', async (_, signature) => {
    expect(await rejectionOf({ ...signed, signature })).not.toBe('accepted');
  });

  test('a signature of the key for another type of content', async () => {
    const { signature: _, ...plain } = signed;
    const signedAs = async (typ: string): Promise<string> => {
      const jws = await new CompactSign(Buffer.from(canonicalize(plain) ?? ''))
        .setProtectedHeader({ alg: 'Ed25519', kid: 'ours', typ })
        .sign({ kty: 'OKP', crv: 'Ed25519', x: ours.x, d: ours.d });
      const [other, , signature] = jws.split('.');
      return rejectionOf({ ...plain, signature: `${other}..${signature}` });
    };
    expect(await signedAs('streamsync-manifest+jws')).toBe('accepted');
    expect(await signedAs('JWT')).toContain('header');
  });
});
