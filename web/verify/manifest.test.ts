import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from '@jest/globals';
import canonicalize from 'canonicalize';
import { CompactSign } from 'jose';
import type { KeySet } from '../../lib/contracts/key-set.ts';
import { readManifest, verifyManifest } from './manifest.ts';

const content = {
  exportId: '01a1fbaa-0d88-7617-8f4b-1187b8f792e7',
  file: { name: 'größe.csv', bytes: 3, rows: 1, sha256: 'a'.repeat(64) },
  later: ['a field of a later version', 1.5e-7, null],
};
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const { x = '' } = publicKey.export({ format: 'jwk' });
const keys = (kid: string): KeySet => ({
  keys: [{ kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', use: 'sig', kid, x }],
});

/** Signs as another system would, without the code of the page. */
async function sign(
  header: object = { alg: 'Ed25519', typ: 'streamsync-manifest+jws', kid: 'one' },
): Promise<string> {
  const jws = await new CompactSign(new TextEncoder().encode(canonicalize(content)))
    .setProtectedHeader({ alg: 'Ed25519', ...header })
    .sign(privateKey);
  return jws.replace(/\..*\./, '..');
}

const verify = async (manifest: object, keySet = keys('one')) => {
  const read = readManifest(JSON.stringify(manifest));
  if (!read) throw new Error('it is not read as a manifest');
  return verifyManifest(read, keySet);
};

test('a signed manifest is accepted, whatever the order of its fields', async () => {
  const signature = await sign();
  const { exportId, ...others } = content;
  expect(await verify({ signature, ...others, exportId })).toEqual({ kid: 'one' });
});

test('a manifest is rejected if any field was changed, also an unknown one', async () => {
  const signature = await sign();
  for (const changed of [
    { ...content, later: [] },
    { ...content, more: 1 },
    { ...content, file: { ...content.file, rows: 2 } },
  ])
    expect(await verify({ ...changed, signature })).toEqual({ rejected: 'changed', kid: 'one' });
});

test('a manifest is rejected without a signature, of an unknown key, and of another type', async () => {
  const signature = await sign();
  expect(await verify(content)).toEqual({ rejected: 'unsigned' });
  expect(await verify({ ...content, signature }, keys('two'))).toEqual({
    rejected: 'unknown-key',
    kid: 'one',
  });
  const ofEvent = await sign({ typ: 'streamsync-event+jws', kid: 'one' });
  for (const other of [ofEvent, 'x', 'a.b.c', `${signature}.d`, signature.replace('..', '.e30.')])
    expect(await verify({ ...content, signature: other })).toEqual({ rejected: 'form' });
  const [header] = signature.split('.');
  for (const value of ['', '%', 'AAAA'])
    expect(await verify({ ...content, signature: `${header}..${value}` })).toMatchObject({
      rejected: 'changed',
    });
});

test.each(['', '[]', 'null', '{"file": {}}', '{"file": {"name": "a", "bytes": "1"}}', 'a,b'])(
  '%j is no manifest',
  (text) => {
    expect(readManifest(text)).toBeUndefined();
  },
);
