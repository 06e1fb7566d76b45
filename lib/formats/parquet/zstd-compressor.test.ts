import { randomFillSync } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ZstdCompressor } from './zstd-compressor.ts';

/** Returns `length` bytes: the last `random` bytes are random, all before them are equal. */
function bytesOf(length: number, random: number): Buffer {
  const bytes = Buffer.alloc(length, 'x');
  randomFillSync(bytes, Math.max(0, length - random));
  return bytes;
}

test('ZstdCompressor compresses each buffer into a frame, of any length, one after the other and in parallel', async () => {
  const compressor = new ZstdCompressor();
  const length = fc.oneof(fc.nat(100), fc.nat(3_000_000));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(length, length), { minLength: 1, maxLength: 6 }),
      async (lengths) => {
        const all = lengths.map(([whole, random]) => bytesOf(whole, Math.min(whole, random)));
        const output = await Promise.all(all.map((bytes) => compressor.compress(bytes)));
        for (const [n, frame] of output.entries())
          expect(zstdDecompressSync(frame).equals(all[n] ?? Buffer.alloc(0))).toBe(true);
      },
    ),
    { numRuns: 30 },
  );
});

test('a frame of ZstdCompressor stays the same when its input buffer and the compressor are reused', async () => {
  const compressor = new ZstdCompressor();
  const bytes = bytesOf(200_000, 100_000);
  const copy = Buffer.from(bytes);
  const frame = await compressor.compress(bytes);
  for (let n = 0; n < 20; n++) {
    randomFillSync(bytes);
    await compressor.compress(bytes);
  }
  expect(zstdDecompressSync(frame).equals(copy)).toBe(true);
});

test('release frees an output buffer once all its frames are released, and no other', async () => {
  const compressor = new ZstdCompressor();
  const pages = Array.from({ length: 40 }, (_, n) => bytesOf(300_000, 10_000 + n * 4_000));
  const frames: Buffer[] = [];
  for (const page of pages) frames.push(await compressor.compress(page));
  const [first, ...others] = frames;
  const shared = frames.filter(({ buffer }) => buffer === first?.buffer);
  expect(shared.length).toBeGreaterThan(2);
  for (const frame of shared.slice(1)) compressor.release(frame);
  expect(first?.length).toBeGreaterThan(0);
  if (first) compressor.release(first);
  expect(shared.map(({ length }) => length)).toEqual(shared.map(() => 0));
  const kept = others.filter((frame) => !shared.includes(frame));
  expect(kept.length).toBeGreaterThan(10);
  for (const frame of kept)
    expect(zstdDecompressSync(frame).equals(pages[frames.indexOf(frame)] ?? Buffer.alloc(0))).toBe(
      true,
    );
});
