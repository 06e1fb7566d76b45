import { createCipheriv, randomBytes } from 'node:crypto';
import {
  chunkBytes,
  chunkNonce,
  cipherName,
  payloadKeyOf,
  payloadNonceBytes,
  tagBytes,
} from './payload.ts';

/** age has no registered media type. */
export const encryptedContentType = 'application/octet-stream';

/**
 * Returns the age file of some content, which only the recipients can decrypt. The content is encrypted while it is
 * read, in constant memory, and each chunk of it is copied before the next one is requested.
 */
export async function* encryptFor(
  recipients: readonly string[],
  content: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const { header, fileKey } = await newFile(recipients);
  yield header;
  yield* encryptPayload(fileKey, randomBytes(payloadNonceBytes), content);
}

/** Returns the header of a new age file, and the key that the header has for each recipient. */
async function newFile(
  recipients: readonly string[],
): Promise<{ header: Buffer; fileKey: Uint8Array }> {
  // Loading it takes 0.1 s, which exports without encryption do not need.
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  let fileKey: Uint8Array | undefined;
  // A recipient without a stanza in the header: the library has no other way to read the key it has generated.
  encrypter.addRecipient({
    wrapFileKey: (key) => {
      fileKey = key;
      return [];
    },
  });
  const emptyFile = await encrypter.encrypt(new Uint8Array());
  if (!fileKey) throw new Error('the header of the age file has no file key');
  // The payload of an empty file is a nonce and the tag of an empty chunk. The nonce of our payload is another one.
  const header = Buffer.from(emptyFile.subarray(0, -payloadNonceBytes - tagBytes));
  return { header, fileKey };
}

/**
 * Returns the payload of an age file. Node's cipher takes a tenth of the time of the library's, which is in JavaScript
 * (docs/decisions/age-encryption.md).
 */
export async function* encryptPayload(
  fileKey: Uint8Array,
  nonce: Buffer,
  content: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const key = payloadKeyOf(fileKey, nonce);
  const buffer = Buffer.allocUnsafeSlow(chunkBytes);
  let filled = 0;
  let number = 0;
  yield nonce;
  for await (const chunk of content)
    for (let at = 0; at < chunk.length; ) {
      // A full buffer waits for another byte, because the last chunk has a nonce of its own.
      if (filled === chunkBytes) {
        yield* encryptChunk(key, chunkNonce(number++, false), buffer);
        filled = 0;
      }
      const copied = chunk.copy(buffer, filled, at);
      filled += copied;
      at += copied;
    }
  yield* encryptChunk(key, chunkNonce(number, true), buffer.subarray(0, filled));
}

function* encryptChunk(key: Buffer, nonce: Buffer, content: Buffer): Generator<Buffer> {
  const cipher = createCipheriv(cipherName, key, nonce, { authTagLength: tagBytes });
  yield cipher.update(content);
  // It has no more bytes: `update` returns as many as it gets.
  cipher.final();
  yield cipher.getAuthTag();
}
