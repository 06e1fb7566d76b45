import type { CompletedPart } from '@aws-sdk/client-s3';
import { BufferPool } from '../runtime/buffer-pool.ts';
import { memoryBudget, memoryLimits } from '../runtime/memory-budget.ts';
import { abortUpload } from './s3.ts';
import { completeUpload, createUpload, type Upload, uploadPart } from './upload.ts';

/**
 * The only writer of objects: a multipart upload that accepts chunks, in constant memory. At most
 * `maxConcurrentUploads` (3) parts are sent at a time; `write` resolves when there is room for more, which is the
 * back-pressure for the caller. The object is invisible before `complete`.
 *
 * S3 accepts 10,000 parts of at least 5 MiB. 1,000 parts of 5 MiB and 9,000 of 64 MiB are 567 GiB, several times
 * what one invocation can write within its time limit.
 */
const maxConcurrentUploads = memoryLimits.partsInFlight;
const partSizeAt = (partNumber: number): number =>
  partNumber <= 1_000 ? memoryLimits.firstPartBytes : memoryBudget.uploadPart.bytes;

/** Buffers for parts of 5 MiB. The few larger parts of a huge file are allocated each time. */
const pool = new BufferPool(partSizeAt(1), maxConcurrentUploads);

export class MultipartWriter {
  /** Rejects if it could not be created; then `write` and `flush` throw the same error. */
  readonly upload: Promise<Upload>;
  #part: Buffer | undefined;
  #filled = 0;
  #nextPart = 1;
  readonly #parts: CompletedPart[] = [];
  readonly #sending = new Set<Promise<void>>();
  #failure: { error: unknown } | undefined;
  readonly #abort = new AbortController();
  readonly #stop: AbortSignal;
  #rest: Promise<void> | undefined;

  /** The signal stops the parts that are being sent, so that a `write` which waits for the storage ends at once. */
  constructor(key: string, contentType: string, signal: AbortSignal) {
    this.#stop = AbortSignal.any([signal, this.#abort.signal]);
    this.upload = createUpload(key, contentType);
    this.upload.catch(this.#fail);
  }

  /** Copies the chunk. Throws the first error of any part. */
  async write(chunk: Buffer): Promise<void> {
    this.#throwFailure();
    for (let offset = 0; offset < chunk.length; ) {
      this.#part ??= this.#newPart();
      const copied = chunk.copy(this.#part, this.#filled, offset);
      this.#filled += copied;
      offset += copied;
      if (this.#filled === this.#part.length) await this.#sendPart();
    }
  }

  /** Begins to send the rest: no chunk follows. */
  end(): void {
    // An empty object is one empty part.
    const isMissing = this.#filled > 0 || this.#nextPart === 1;
    this.#rest = isMissing ? this.#sendPart() : Promise.resolve();
    this.#rest.catch(this.#fail);
  }

  /** When it returns, after `end`, the storage has all parts, and the object is still invisible. */
  async flush(): Promise<void> {
    await this.#rest;
    await Promise.all(this.#sending);
    this.#throwFailure();
  }

  /** Makes the object visible and returns its ETag. */
  async complete(): Promise<string> {
    return completeUpload(await this.upload, this.#parts);
  }

  /** Stops the parts that are being sent and aborts the upload. */
  async abort(): Promise<void> {
    this.#failure ??= { error: new Error('the upload was aborted') };
    this.#abort.abort();
    await Promise.allSettled(this.#sending);
    const upload = await this.upload.catch(() => undefined);
    if (upload) await abortUpload(upload.key, upload.uploadId);
  }

  #newPart(): Buffer {
    const size = partSizeAt(this.#nextPart);
    return size === partSizeAt(1) ? pool.acquire() : Buffer.allocUnsafeSlow(size);
  }

  async #sendPart(): Promise<void> {
    const part = this.#part ?? Buffer.alloc(0);
    const body = part.subarray(0, this.#filled);
    this.#part = undefined;
    this.#filled = 0;
    while (this.#sending.size >= maxConcurrentUploads) await Promise.race(this.#sending);
    this.#throwFailure();
    const settled = this.#upload(this.#nextPart++, body)
      .then(() => pool.release(part))
      .catch(this.#fail)
      .finally(() => this.#sending.delete(settled));
    this.#sending.add(settled);
  }

  async #upload(partNumber: number, body: Buffer): Promise<void> {
    this.#parts.push(await uploadPart(await this.upload, partNumber, body, this.#stop));
  }

  readonly #fail = (error: unknown): void => {
    this.#failure ??= { error };
  };

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
