import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { decompress } from './decompress.ts';

const parts = ['first '.repeat(20_000), '', 'second', Array.from({ length: 900 }, Math.random)];
const texts = parts.map(String);
const whole = texts.join('');

const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const compressors = {
  gzip: (text: string) => gzipSync(text),
  zstd: (text: string) => zstdCompressSync(text, checked),
};

async function read(compression: 'gzip' | 'zstd', bytes: Buffer, size: number): Promise<string> {
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const out: Buffer[] = [];
  for await (const piece of decompress(pieces(), compression)) out.push(piece);
  return Buffer.concat(out).toString();
}

describe.each(['gzip', 'zstd'] as const)('%s', (compression) => {
  const members = texts.map(compressors[compression]);
  const bytes = Buffer.concat(members);

  test('all members, however the bytes come', async () => {
    const sizes = [1, 2, 3, 100, members[0]?.length ?? 0, 4_096, bytes.length];
    for (const size of sizes) expect((await read(compression, bytes, size)) === whole).toBe(true);
  });

  test('a thousand members in one piece', async () => {
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => compressors[compression]('ab')));
    expect((await read(compression, many, many.length)).length).toBe(2_000);
  });

  test('much that comes out of little', async () => {
    const bomb = compressors[compression]('a'.repeat(10_000_000));
    expect((await read(compression, bomb, 4_096)).length).toBe(10_000_000);
  });

  test('cut short anywhere it is refused, unless a member ends there', async () => {
    const [first = bytes] = members;
    const two = Buffer.concat([first, compressors[compression]('second')]);
    for (const size of [7, two.length])
      for (let length = 0; length < two.length; length++) {
        const reading = read(compression, two.subarray(0, length), size);
        if (length === first.length) expect(await reading).toHaveLength(texts[0]?.length ?? 0);
        else await expect(reading).rejects.toThrow();
      }
  });

  test('other bytes behind it are refused', async () => {
    for (const size of [3, bytes.length + 100])
      await expect(
        read(compression, Buffer.concat([bytes, Buffer.from('something else')]), size),
      ).rejects.toThrow();
  });

  test('a byte that was changed is refused', async () => {
    const changed = Buffer.from(bytes);
    const at = bytes.length - 100;
    changed[at] = (changed[at] ?? 0) ^ 1;
    await expect(read(compression, changed, 4_096)).rejects.toThrow();
  });
});
