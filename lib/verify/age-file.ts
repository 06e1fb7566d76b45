import { createDecipheriv } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Decrypter } from 'age-encryption';
import {
  chunkBytes,
  chunkNonce,
  cipherName,
  payloadKeyOf,
  payloadNonceBytes,
  tagBytes,
} from '../encryption/payload.ts';

/** A header with the 20 recipients that an export may have has 2 kB. */
const maxHeaderBytes = 64 * 1_024;
const encryptedChunkBytes = chunkBytes + tagBytes;

/** The content of an age file, decrypted where it is read, so that no disk has it. */
export class AgeFile {
  /** The length of the content. */
  readonly bytes: number;
  readonly #handle: FileHandle;
  readonly #key: Buffer;
  /** Where the first chunk starts. */
  readonly #start: number;
  readonly #chunkCount: number;
  /** The length of the last chunk with its tag. */
  readonly #lastBytes: number;
  #latest = { number: -1, content: Buffer.alloc(0) };

  private constructor(handle: FileHandle, key: Buffer, start: number, size: number) {
    this.#handle = handle;
    this.#key = key;
    this.#start = start;
    const payload = size - start;
    this.#chunkCount = Math.ceil(payload / encryptedChunkBytes);
    this.#lastBytes = payload - (this.#chunkCount - 1) * encryptedChunkBytes;
    // Only the one chunk of an empty content is empty.
    if (this.#lastBytes < tagBytes + (this.#chunkCount > 1 ? 1 : 0))
      throw new Error('it ends inside a chunk');
    this.bytes = payload - this.#chunkCount * tagBytes;
  }

  /** Throws if the header was changed, and what the decrypter throws. */
  static async open(handle: FileHandle, decrypter: Decrypter): Promise<AgeFile> {
    const { size } = await handle.stat();
    const beginning = await readExactly(handle, 0, Math.min(size, maxHeaderBytes));
    const lastLine = beginning.indexOf('\n--- ');
    const end = beginning.indexOf('\n', lastLine + 1) + 1;
    if (lastLine === -1 || end === 0) throw new Error('it has no header of age');
    const fileKey = await decrypter.decryptHeader(new Uint8Array(beginning.subarray(0, end)));
    const start = end + payloadNonceBytes;
    const nonce = beginning.subarray(end, start);
    if (size < start + tagBytes) throw new Error('it ends before its first chunk');
    return new AgeFile(handle, payloadKeyOf(fileKey, nonce), start, size);
  }

  /** Yields the content. Throws at the first chunk that was changed, and if the file does not end with its last chunk. */
  async *chunks(): AsyncGenerator<Buffer> {
    for (let number = 0; number < this.#chunkCount; number++) yield await this.#chunk(number);
  }

  /** Yields the content from `start` to before `end`. */
  async *range(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end; ) {
      const number = Math.floor(at / chunkBytes);
      const content = await this.#chunk(number);
      const first = number * chunkBytes;
      if (at >= first + content.length) throw new Error('its content is shorter');
      yield content.subarray(at - first, end - first);
      at = first + content.length;
    }
  }

  async #chunk(number: number): Promise<Buffer> {
    if (this.#latest.number === number) return this.#latest.content;
    const isLast = number === this.#chunkCount - 1;
    const at = this.#start + number * encryptedChunkBytes;
    const length = isLast ? this.#lastBytes : encryptedChunkBytes;
    const bytes = await readExactly(this.#handle, at, length);
    const nonce = chunkNonce(number, isLast);
    const decipher = createDecipheriv(cipherName, this.#key, nonce, { authTagLength: tagBytes });
    decipher.setAuthTag(bytes.subarray(-tagBytes));
    const content = decipher.update(bytes.subarray(0, -tagBytes));
    try {
      decipher.final();
    } catch (cause) {
      const where = `${number + 1} of ${this.#chunkCount}`;
      throw new Error(`its chunk ${where} was changed, or is not the last one`, { cause });
    }
    this.#latest = { number, content };
    return content;
  }
}

async function readExactly(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  // A buffer of its own for each chunk: the content that a caller keeps must not change.
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead !== length) throw new Error('it became shorter while it was read');
  return buffer;
}
