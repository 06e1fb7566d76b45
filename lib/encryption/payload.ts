import { hkdfSync } from 'node:crypto';

/**
 * The payload of an age file after its header: a nonce, then chunks of ChaCha20-Poly1305, each with its number and
 * whether it is the last in its nonce (https://c2sp.org/age#payload).
 */
export const payloadNonceBytes = 16;
/** The content of every chunk but the last. */
export const chunkBytes = 64 * 1_024;
export const tagBytes = 16;
export const cipherName = 'chacha20-poly1305';

export const payloadKeyOf = (fileKey: Uint8Array, nonce: Uint8Array): Buffer =>
  Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32));

/** Returns the nonce of a chunk: eleven bytes of its number, big-endian, and one that is 1 for the last chunk. */
export function chunkNonce(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(number, 5, 6);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}
