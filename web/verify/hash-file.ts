import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

/**
 * Returns the SHA-256 of a file in hexadecimal digits. Reads it in chunks, because WebCrypto would need all of it in
 * memory. `onProgress` gets the bytes that have been read. Throws if the file cannot be read, or `signal` aborts.
 */
export async function sha256Of(
  file: Blob,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const hash = sha256.create();
  const reader = file.stream().getReader();
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    signal.throwIfAborted();
    if (done) return bytesToHex(hash.digest());
    hash.update(value);
    bytes += value.length;
    onProgress(bytes);
  }
}
