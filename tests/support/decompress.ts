import { buffer } from 'node:stream/consumers';
import { createZstdDecompress, gunzipSync } from 'node:zlib';

/** The whole of a compressed file: all its members, or frames. */
export async function decompress(
  bytes: Buffer,
  compression: 'none' | 'gzip' | 'zstd',
): Promise<Buffer> {
  switch (compression) {
    case 'none':
      return bytes;
    case 'gzip':
      return gunzipSync(bytes);
    case 'zstd':
      return unzstd(bytes);
    default:
      return compression satisfies never;
  }
}

/** Node's own decoder stops behind the first frame, without an error. */
async function unzstd(bytes: Buffer): Promise<Buffer> {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const frame = createZstdDecompress();
    frame.end(bytes.subarray(at));
    frames.push(await buffer(frame));
    at += frame.bytesWritten;
  }
  return Buffer.concat(frames);
}
