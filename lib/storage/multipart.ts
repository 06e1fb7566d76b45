import type { CompletedPart } from '@aws-sdk/client-s3';
import { SpareBuffers } from '../runtime/spare-buffers.ts';
import { abortUpload } from './s3.ts';
import { completeUpload, createUpload, type Upload, uploadPart } from './upload.ts';

/**
 * The one writer of objects: a multipart upload fed piece by piece, in constant memory. At most
 * `inFlight` parts are on their way; `write` resolves when there is room for more, so the pace of S3
 * reaches whoever produces the bytes. Nothing is visible under the key before `complete`.
 *
 * S3 takes 10,000 parts of 5 MiB and more: 1,000 of those, then 9,000 of 64 MiB make 560 GiB, several
 * times what one invocation can write in its time.
 */
const inFlight = 3;
const mebibyte = 2 ** 20;
const partSizeAt = (partNumber: number): number => (partNumber <= 1_000 ? 5 : 64) * mebibyte;

/** Those of usual size, kept for the next file; the few larger ones of a huge file are made anew. */
const spare = new SpareBuffers(partSizeAt(1), inFlight);

export class MultipartWriter {
  readonly upload: Upload;
  #part: Buffer | undefined;
  #filled = 0;
  #nextPart = 1;
  readonly #parts: CompletedPart[] = [];
  readonly #sending = new Set<Promise<void>>();
  #failure: { error: unknown } | undefined;
  readonly #abort = new AbortController();
  readonly #stop: AbortSignal;

  private constructor(upload: Upload, signal: AbortSignal) {
    this.upload = upload;
    this.#stop = AbortSignal.any([signal, this.#abort.signal]);
  }

  /** With the signal its parts stop, so that a `write` which waits for the storage ends at once. */
  static async create(
    key: string,
    contentType: string,
    signal: AbortSignal,
  ): Promise<MultipartWriter> {
    return new MultipartWriter(await createUpload(key, contentType), signal);
  }

  /** Copies the piece. Throws the first failure of any part. */
  async write(piece: Buffer): Promise<void> {
    this.#throwFailure();
    for (let at = 0; at < piece.length; ) {
      this.#part ??= this.#newPart();
      const copied = piece.copy(this.#part, this.#filled, at);
      this.#filled += copied;
      at += copied;
      if (this.#filled === this.#part.length) await this.#sendPart();
    }
  }

  /** Sends the rest. Afterwards all parts are in the storage, and the object is still invisible. */
  async flush(): Promise<void> {
    // An object of no bytes is one part of no bytes.
    if (this.#filled > 0 || this.#nextPart === 1) await this.#sendPart();
    await Promise.all(this.#sending);
    this.#throwFailure();
  }

  /** Makes the object visible and returns its ETag. */
  async complete(): Promise<string> {
    return completeUpload(this.upload, this.#parts);
  }

  /** Stops what is under way and gives the parts up. */
  async abort(): Promise<void> {
    this.#failure ??= { error: new Error('the upload was given up') };
    this.#abort.abort();
    await Promise.allSettled(this.#sending);
    await abortUpload(this.upload.key, this.upload.uploadId);
  }

  #newPart(): Buffer {
    const size = partSizeAt(this.#nextPart);
    return size === partSizeAt(1) ? spare.take() : Buffer.allocUnsafeSlow(size);
  }

  async #sendPart(): Promise<void> {
    const part = this.#part ?? Buffer.alloc(0);
    const body = part.subarray(0, this.#filled);
    this.#part = undefined;
    this.#filled = 0;
    while (this.#sending.size >= inFlight) await Promise.race(this.#sending);
    this.#throwFailure();
    const settled = this.#upload(this.#nextPart++, body)
      .then(() => spare.give(part))
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#sending.delete(settled));
    this.#sending.add(settled);
  }

  async #upload(partNumber: number, body: Buffer): Promise<void> {
    this.#parts.push(await uploadPart(this.upload, partNumber, body, this.#stop));
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
