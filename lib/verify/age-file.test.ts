import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { ageVectors } from '../encryption/testing/vectors.ts';
import { AgeFile } from './age-file.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'streamsync-age-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function withFile<T>(
  content: Uint8Array,
  identity: string,
  use: (file: AgeFile) => Promise<T>,
): Promise<T> {
  const path = join(directory, 'file.age');
  await writeFile(path, content);
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  await using handle = await open(path);
  return await use(await AgeFile.open(handle, decrypter));
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

const readAll = (file: AgeFile): Promise<Buffer> => collect(file.chunks());

describe('the test vectors of age (C2SP/CCTV)', () => {
  const vectors = ageVectors();
  const good = vectors.filter(({ expected }) => expected === 'success');
  const bad = vectors.filter(({ expected }) => expected !== 'success');

  test.each(good)('AgeFile decrypts $name', async ({ file, identity, sha256 }) => {
    const content = await withFile(file, identity, async (opened) => {
      const all = await readAll(opened);
      expect(opened.bytes).toBe(all.length);
      return all;
    });
    expect(createHash('sha256').update(content).digest('hex')).toBe(sha256);
  });

  test.each(bad)('AgeFile rejects $name ($expected)', async ({ file, identity }) => {
    await expect(withFile(file, identity, readAll)).rejects.toThrow();
  });

  test('there are vectors of each kind', () => {
    expect(new Set(vectors.map(({ expected }) => expected))).toEqual(
      new Set(['success', 'no match', 'HMAC failure', 'header failure', 'payload failure']),
    );
  });
});

test('AgeFile reads any range of a file that the library has encrypted', async () => {
  const content = randomBytes(200_000);
  const identity = await generateX25519Identity();
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(identity));
  const file = await encrypter.encrypt(new Uint8Array(content));
  const ranges = [
    [0, 200_000],
    [199_999, 200_000],
    [65_535, 65_537],
    [65_536, 131_072],
    [10, 10],
    [100_000, 199_000],
    [0, 5],
  ] as const;
  await withFile(file, identity, async (opened) => {
    expect(opened.bytes).toBe(content.length);
    for (const [start, end] of ranges) {
      const range = await collect(opened.range(start, end));
      expect(range.equals(content.subarray(start, end))).toBe(true);
    }
    await expect(collect(opened.range(199_000, 200_001))).rejects.toThrow('shorter');
  });
});
