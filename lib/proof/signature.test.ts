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

test('the example of the contract is signed by its key', async () => {
  expect(await verifyManifest(manifestExample, keySetExample.keys)).toEqual({ kid: '2026-03' });
});

test('the signature is a JWS without its payload, which says what it is and whose', () => {
  expect(signed.signature).toMatch(/^[\w-]+\.\.[\w-]{86}$/);
  expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({
    alg: 'Ed25519',
    kid: 'ours',
    typ: 'streamsync-manifest+jws',
  });
});

test('signing again replaces the signature', async () => {
  const again = await signManifest(signed, former);
  expect(await verifyManifest(again, published)).toEqual({ kid: 'former' });
});

test('the order of the keys, spaces and escapes are not signed; every field is, an unknown one too', async () => {
  const turned = Object.fromEntries(Object.entries(signed).toReversed());
  const text = JSON.stringify(turned, null, 7).replaceAll('sales', String.raw`\u0073ales`);
  expect(await verifyManifest(JSON.parse(text), published)).toEqual({ kid: 'ours' });
  const { signature: _, ...plain } = signed;
  const newer = await signManifest(Object.assign({}, plain, { added: 'later' }), ours);
  expect(newer).toMatchObject({ added: 'later' });
  expect(await verifyManifest(newer, published)).toEqual({ kid: 'ours' });
  expect(await verifyManifest({ ...newer, added: 'Later' }, published)).toHaveProperty('refused');
});

describe('refused is', () => {
  const refusedBy = async (
    manifest: Record<string, unknown>,
    keys = published,
  ): Promise<string> => {
    const verdict = await verifyManifest(manifest, keys);
    return 'refused' in verdict ? verdict.refused : 'not refused';
  };

  test.each<[string, Record<string, unknown>]>([
    ['a changed field', { ...signed, createdBy: 'somebody@example.com' }],
    ['a changed number', { ...signed, file: { ...signed.file, rows: signed.file.rows + 1 } }],
    ['a field more', { ...signed, note: 'as approved' }],
    ['a field less', { ...signed, skewSeconds: undefined }],
    ['__proto__ as a field', JSON.parse(JSON.stringify(signed).replace('{', '{"__proto__":{},'))],
  ])('%s', async (_, manifest) => {
    expect(await refusedBy(manifest)).toContain('has not signed this');
  });

  test('a key that is not published, and another one under its name', async () => {
    expect(await refusedBy(await signManifest(manifestExample, foreign))).toContain(
      'key foreign, which is said to have signed, is not among these',
    );
    const forged = await signManifest(manifestExample, { ...foreign, kid: 'ours' });
    expect(await refusedBy(forged)).toContain('has not signed this');
    expect(await refusedBy(signed, [])).toContain('not among these');
  });

  test('no signature', async () => {
    expect(await refusedBy({ ...signed, signature: undefined })).toContain('is not signed');
  });

  test.each([
    ['alg none', `${headerOf({ alg: 'none', kid: 'ours', typ: 'streamsync-manifest+jws' })}..`],
    [
      'alg none with a value',
      `${headerOf({ alg: 'none', kid: 'ours', typ: 'streamsync-manifest+jws' })}..${value}`,
    ],
    [
      'HMAC by the public key',
      `${headerOf({ alg: 'HS256', kid: 'ours', typ: 'streamsync-manifest+jws' })}..${value}`,
    ],
    [
      'a header that was not signed',
      `${headerOf({ typ: 'streamsync-manifest+jws', kid: 'ours', alg: 'Ed25519' })}..${value}`,
    ],
    ['a payload of its own', `${header}.${base64url.encode('{}')}.${value}`],
    ['another text', 'signed'],
    ['another type', 7],
    ['a header that is no JSON', `e30x..${value}`],
    ['a value cut short', `${header}..${value.slice(0, -4)}`],
  ])('%s', async (_, signature) => {
    expect(await refusedBy({ ...signed, signature })).not.toBe('not refused');
  });

  test('what the key has signed as something else', async () => {
    const { signature: _, ...plain } = signed;
    const signedAs = async (typ: string): Promise<string> => {
      const jws = await new CompactSign(Buffer.from(canonicalize(plain) ?? ''))
        .setProtectedHeader({ alg: 'Ed25519', kid: 'ours', typ })
        .sign({ kty: 'OKP', crv: 'Ed25519', x: ours.x, d: ours.d });
      const [other, , made] = jws.split('.');
      return refusedBy({ ...plain, signature: `${other}..${made}` });
    };
    expect(await signedAs('streamsync-manifest+jws')).toBe('not refused');
    expect(await signedAs('JWT')).toContain('header');
  });
});
