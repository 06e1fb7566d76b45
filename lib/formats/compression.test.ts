import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { compressionOf, freeUsedOutput } from './compression.ts';

test.each([
  { compression: 'gzip', decompress: gunzipSync },
  { compression: 'zstd', decompress: zstdDecompressSync },
] as const)(
  'freeUsedOutput frees the filled buffers of $compression, and its output stays whole',
  async ({ compression, decompress }) => {
    const input = Array.from({ length: 60 }, (_, n) => randomBytes(1 + ((n * 3_709) % 70_000)));
    const compressor = compressionOf({ format: 'csv', compression }).createStream?.();
    if (!compressor) throw new Error('it has no stream');
    const copies: Buffer[] = [];
    const used: Buffer[] = [];
    await pipeline(Readable.from(input), compressor, freeUsedOutput, async (chunks) => {
      for await (const chunk of chunks) {
        copies.push(Buffer.from(chunk));
        used.push(chunk);
      }
    });
    const output = Buffer.concat(copies);
    expect(decompress(output).equals(Buffer.concat(input))).toBe(true);
    const held = new Set(used.map(({ buffer }) => buffer)).values();
    // Only the last buffer is not full.
    expect([...held].filter(({ byteLength }) => byteLength > 0)).toHaveLength(1);
    expect(output.length).toBeGreaterThan(4 * 256 * 1_024);
  },
);
