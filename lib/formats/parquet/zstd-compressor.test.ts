import { randomFillSync } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ZstdFrames } from './zstd-frames.ts';

/** Of so many bytes, of which the first are all alike and the others are not. */
function bytesOf(length: number, random: number): Buffer {
  const bytes = Buffer.alloc(length, 'x');
  randomFillSync(bytes, Math.max(0, length - random));
  return bytes;
}

test('each is a frame of its own, whatever its length, one behind the other and side by side', async () => {
  const frames = new ZstdFrames();
  const length = fc.oneof(fc.nat(100), fc.nat(3_000_000));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(length, length), { minLength: 1, maxLength: 6 }),
      async (lengths) => {
        const all = lengths.map(([whole, random]) => bytesOf(whole, Math.min(whole, random)));
        const made = await Promise.all(all.map((bytes) => frames.compress(bytes)));
        for (const [n, frame] of made.entries())
          expect(zstdDecompressSync(frame).equals(all[n] ?? Buffer.alloc(0))).toBe(true);
      },
    ),
    { numRuns: 30 },
  );
});

test('a frame stays as it is when its bytes, and the compressor, are used again', async () => {
  const frames = new ZstdFrames();
  const bytes = bytesOf(200_000, 100_000);
  const copy = Buffer.from(bytes);
  const frame = await frames.compress(bytes);
  for (let n = 0; n < 20; n++) {
    randomFillSync(bytes);
    await frames.compress(bytes);
  }
  expect(zstdDecompressSync(frame).equals(copy)).toBe(true);
});
