import { buffer } from 'node:stream/consumers';
import { createZstdDecompress, gunzipSync } from 'node:zlib';

/** Returns the content of a compressed file: of all its gzip members or zstd frames. */
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

/** Decodes frame by frame: Node's decoder stops after the first frame, without an error. */
async function unzstd(bytes: Buffer): Promise<Buffer> {
  const frames: Buffer[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const frame = createZstdDecompress();
    frame.end(bytes.subarray(offset));
    frames.push(await buffer(frame));
    offset += frame.bytesWritten;
  }
  return Buffer.concat(frames);
}
