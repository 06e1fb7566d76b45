import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { keySetExample, manifestExample } from '../../../lib/contracts/examples.ts';
import { Unusable } from './errors.ts';
import { openFile, readKeys, readManifest } from './inputs.ts';

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

test('a manifest is read with what it has beyond what is known', async () => {
  const read = await readManifest(await save('newer.json', { ...manifestExample, added: [1] }));
  expect(read.file).toEqual(manifestExample.file);
  expect(read.whole).toEqual({ ...manifestExample, added: [1] });
});

test('of a set of keys those are taken that are of our kind', async () => {
  const [key] = keySetExample.keys;
  const others = [{ kty: 'EC', kid: 'a' }, { ...key, alg: 'EdDSA' }, 7, { ...key, note: 'ours' }];
  const read = await readKeys(await save('keys.json', { keys: others, note: 'of 2026' }));
  expect(read).toEqual({ keys: [key], from: path('keys.json') });
});

test.each<[string, (named: string) => Promise<unknown>, unknown, RegExp]>([
  ['a file that is not there', openFile, undefined, /none.*cannot be read.*no such file/],
  ['a directory', () => openFile(directory), undefined, /is not a file/],
  ['a manifest that is not there', readManifest, undefined, /manifest .*none.*cannot be read/],
  ['a manifest that is no JSON', readManifest, 'id,total', /is not JSON/],
  ['another document', readManifest, keySetExample, /is not a manifest\. Fetch it from/],
  ['null', readManifest, null, /is not a manifest/],
  ['keys that are no JSON', readKeys, '-----BEGIN PUBLIC KEY-----', /is not JSON/],
  ['a document without keys', readKeys, manifestExample, /no public key.*jwks\.json/],
  ['a set without ours', readKeys, { keys: [{ kty: 'RSA' }] }, /no public key/],
  [
    'keys at an address where nobody answers',
    () => readKeys(new URL('http://127.0.0.1:9/jwks.json')),
    undefined,
    /127\.0\.0\.1:9.*cannot be had.*--keys/,
  ],
])('%s: said so, with what to do', async (_, read, content, message) => {
  const named = content === undefined ? path('none') : await save('given', content);
  const failure = await read(named).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Unusable);
  expect(failure).toHaveProperty('message', expect.stringMatching(message));
});
