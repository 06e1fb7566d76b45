import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { decompress } from './decompress.ts';

const contents = ['first '.repeat(20_000), '', 'second', Array.from({ length: 900 }, Math.random)];
const texts = contents.map(String);
const whole = texts.join('');

const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const compressors = {
  gzip: (text: string) => gzipSync(text),
  zstd: (text: string) => zstdCompressSync(text, checked),
};

async function read(compression: 'gzip' | 'zstd', bytes: Buffer, size: number): Promise<string> {
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const out: Buffer[] = [];
  for await (const chunk of decompress(chunks(), compression)) out.push(chunk);
  return Buffer.concat(out).toString();
}

describe.each(['gzip', 'zstd'] as const)('decompress of %s', (compression) => {
  const members = texts.map(compressors[compression]);
  const bytes = Buffer.concat(members);

  test('returns all members wherever the input is cut', async () => {
    const sizes = [1, 2, 3, 100, members[0]?.length ?? 0, 4_096, bytes.length];
    for (const size of sizes) expect((await read(compression, bytes, size)) === whole).toBe(true);
  });

  test('returns 1,000 members from one chunk', async () => {
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => compressors[compression]('ab')));
    expect((await read(compression, many, many.length)).length).toBe(2_000);
  });

  test('returns 10 MB from a small input', async () => {
    const bomb = compressors[compression]('a'.repeat(10_000_000));
    expect((await read(compression, bomb, 4_096)).length).toBe(10_000_000);
  });

  test('fails if the input ends early, unless it ends with a member', async () => {
    const [first = bytes] = members;
    const two = Buffer.concat([first, compressors[compression]('second')]);
    for (const size of [7, two.length])
      for (let length = 0; length < two.length; length++) {
        const reading = read(compression, two.subarray(0, length), size);
        if (length === first.length) expect(await reading).toHaveLength(texts[0]?.length ?? 0);
        else await expect(reading).rejects.toThrow();
      }
  });

  test('fails on other bytes after the last member', async () => {
    for (const size of [3, bytes.length + 100])
      await expect(
        read(compression, Buffer.concat([bytes, Buffer.from('something else')]), size),
      ).rejects.toThrow();
  });

  test('fails if its source fails, as that of an encrypted file that was changed', async () => {
    async function* failing(): AsyncGenerator<Buffer> {
      yield bytes.subarray(0, 100);
      throw new Error('chunk 2 was changed');
    }
    const reading = async () => {
      for await (const _ of decompress(failing(), compression));
    };
    await expect(reading()).rejects.toThrow('chunk 2 was changed');
  });

  test('fails on a changed byte', async () => {
    const changed = Buffer.from(bytes);
    const at = bytes.length - 100;
    changed[at] = (changed[at] ?? 0) ^ 1;
    await expect(read(compression, changed, 4_096)).rejects.toThrow();
  });
});
