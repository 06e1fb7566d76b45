import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs from 'kafkajs';
import lz4 from 'lz4-napi';
import { z } from 'zod';

/** kafkajs-snappy has no types. */
const snappyCodecSchema = z.custom<() => unknown>((value) => typeof value === 'function');

const { CompressionCodecs, CompressionTypes } = kafkajs;

/** Registers Kafka's other compression codecs with kafkajs, which has only gzip. */
export function registerCodecs(): void {
  const require = createRequire(import.meta.url);
  const compress = promisify(zstdCompress);
  const decompress = promisify(zstdDecompress);
  CompressionCodecs[CompressionTypes.Snappy] = snappyCodecSchema.parse(require('kafkajs-snappy'));
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: (encoder: { buffer: Buffer }) => lz4.compressFrame(encoder.buffer),
    decompress: (buffer: Buffer) => lz4.decompressFrame(buffer),
  });
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: (encoder: { buffer: Buffer }) => compress(encoder.buffer),
    decompress: (buffer: Buffer) => decompress(buffer),
  });
}
