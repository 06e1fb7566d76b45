import { crc32 } from 'node:zlib';
import { fromBufferPromise } from 'yauzl';

/**
 * Returns the entries of a zip with their texts, read by an independent implementation. Throws if a checksum is wrong,
 * which that does not notice.
 */
export async function zipParts(bytes: Buffer): Promise<[path: string, text: string][]> {
  const zip = await fromBufferPromise(bytes);
  const parts: [string, string][] = [];
  for await (const entry of zip.eachEntry()) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk);
    const content = Buffer.concat(chunks);
    if (crc32(content) !== entry.crc32)
      throw new Error(`the checksum of ${entry.fileName} is wrong`);
    parts.push([entry.fileName, content.toString()]);
  }
  return parts;
}
