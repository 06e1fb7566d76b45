import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { keySetExample, manifestExample } from '../contracts/examples.ts';
import { VerifyInputError } from './errors.ts';
import { openFile, readIdentities, readKeys, readManifest } from './inputs.ts';

let directory = '';
const path = (name: string): string => join(directory, name);
const save = async (name: string, content: unknown): Promise<string> => {
  await writeFile(path(name), typeof content === 'string' ? content : JSON.stringify(content));
  return path(name);
};
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'streamsync-inputs-'));
});
afterAll(() => rm(directory, { recursive: true }));

test('readManifest keeps fields that it does not know', async () => {
  const read = await readManifest(await save('newer.json', { ...manifestExample, added: [1] }));
  expect(read.file).toEqual(manifestExample.file);
  expect(read.content).toEqual({ ...manifestExample, added: [1] });
});

test('readKeys returns the keys of StreamSync and ignores others', async () => {
  const [key] = keySetExample.keys;
  const others = [{ kty: 'EC', kid: 'a' }, { ...key, alg: 'EdDSA' }, 7, { ...key, note: 'ours' }];
  const read = await readKeys(await save('keys.json', { keys: others, note: 'of 2026' }));
  expect(read).toEqual({ keys: [key], from: path('keys.json') });
});

test.each<[string, (path: string) => Promise<unknown>, unknown, RegExp]>([
  ['a file that does not exist', openFile, undefined, /none.*cannot be read.*no such file/],
  ['a directory', () => openFile(directory), undefined, /is not a file/],
  ['a manifest that does not exist', readManifest, undefined, /manifest .*none.*cannot be read/],
  ['a manifest that is not JSON', readManifest, 'id,total', /is not JSON/],
  ['another document', readManifest, keySetExample, /is not a manifest\. Fetch it from/],
  ['null', readManifest, null, /is not a manifest/],
  ['keys that are not JSON', readKeys, '-----BEGIN PUBLIC KEY-----', /is not JSON/],
  ['a document without keys', readKeys, manifestExample, /no public key.*jwks\.json/],
  ['a set with other keys only', readKeys, { keys: [{ kty: 'RSA' }] }, /no public key/],
  ['identities that do not exist', readIdentities, undefined, /identities .*none cannot be read/],
  ['a file without identities', readIdentities, '# public key: age1\n', /has no identity of age/],
  ['a public key', readIdentities, '#\nage1zvkyg2lq', /Line 2 .*is not an identity.*passphrase/],
  [
    'keys at an address without a server',
    () => readKeys(new URL('http://127.0.0.1:9/jwks.json')),
    undefined,
    /127\.0\.0\.1:9.*cannot be fetched.*--keys/,
  ],
])('VerifyInputError for %s says what to do', async (_, read, content, message) => {
  const input = content === undefined ? path('none') : await save('input', content);
  const failure = await read(input).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(VerifyInputError);
  expect(failure).toHaveProperty('message', expect.stringMatching(message));
});
