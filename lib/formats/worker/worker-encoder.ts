import { Worker } from 'node:worker_threads';
import type { BufferPool } from '../../runtime/buffer-pool.ts';
import type { Encoder, SegmentMetadata } from '../format.ts';
import { UnencodableRowError } from '../unencodable-row.ts';
import {
  type Job,
  maxUnacknowledgedInput,
  type WorkerRequest,
  type WorkerResponse,
} from './protocol.ts';

/** Workers without a job. Starting one takes as long as encoding about 10,000 rows. */
const idleWorkers: Worker[] = [];
const maxIdleWorkers = 2;

let jobs = 0;

/** A small young generation is collected often, and does not grow with the length of a job. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };

function acquireWorker(): Worker {
  const idle = idleWorkers.pop();
  if (idle) {
    idle.ref();
    return idle;
  }
  const worker = new Worker(new URL('./encoder-thread.ts', import.meta.url), { resourceLimits });
  // An idle worker that ends leaves the pool; a `WorkerEncoder` has its own listeners while it runs a job.
  worker.on('error', () => undefined);
  worker.on('exit', () => {
    const at = idleWorkers.indexOf(worker);
    if (at >= 0) idleWorkers.splice(at, 1);
  });
  return worker;
}

function releaseWorker(worker: Worker): void {
  if (idleWorkers.length >= maxIdleWorkers) {
    void worker.terminate();
    return;
  }
  // An idle worker does not keep the process alive.
  worker.unref();
  idleWorkers.push(worker);
}

/**
 * Encodes in a worker thread, while the main thread moves bytes between the source and the storage. It starts to read
 * when `encode` is called, even if the result is not consumed, and pauses when `maxUnreleasedOutput` buffers have not
 * been released. The abort signal terminates the worker.
 */
export class WorkerEncoder implements Encoder {
  rows = 0;
  #nulled: readonly number[] = [];
  #metadata: SegmentMetadata = [];
  readonly #job: Job;
  readonly #signal: AbortSignal;
  /** The pool of the source's chunks, which are released to it. */
  readonly #pool: BufferPool;
  #inputCredits = maxUnacknowledgedInput;
  #output: Buffer[] = [];
  #ended = false;
  #failure: { error: unknown } | undefined;
  #worker: Worker | undefined;
  #lastWorker: Worker | undefined;
  readonly #number = ++jobs;
  #wake = { source: (): void => undefined, consumer: (): void => undefined };

  constructor(job: Job, { signal, pool }: { signal: AbortSignal; pool: BufferPool }) {
    this.#job = job;
    this.#signal = signal;
    this.#pool = pool;
  }

  nulled(): readonly number[] {
    return this.#nulled;
  }

  metadata(): SegmentMetadata {
    return this.#metadata;
  }

  /** Returns the buffer of an encoded chunk to the worker. The caller must not use the chunk afterwards. */
  release({ buffer }: Buffer): void {
    if (!(buffer instanceof ArrayBuffer)) return;
    // To the worker that sent it, even if that runs another job now.
    this.#lastWorker?.postMessage(
      {
        kind: 'release',
        number: this.#number,
        bytes: new Uint8Array(buffer),
      } satisfies WorkerRequest,
      [buffer],
    );
  }

  encode(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    this.#signal.throwIfAborted();
    const worker = acquireWorker();
    this.#worker = worker;
    this.#lastWorker = worker;
    worker.on('message', this.#onMessage);
    worker.on('error', this.#fail);
    worker.on('exit', this.#onExit);
    this.#signal.addEventListener('abort', this.#onAbort);
    this.#post({ kind: 'start', number: this.#number, job: this.#job });
    this.#feed(source).catch(this.#fail);
    return this.#outputChunks();
  }

  async #feed(source: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of source) {
      while (this.#inputCredits === 0) await this.#waitFor('source');
      if (this.#failure) return;
      this.#inputCredits--;
      const bytes = this.#pool.owns(chunk) ? chunk : new Uint8Array(chunk);
      this.#post({ kind: 'chunk', bytes }, [bytes.buffer]);
    }
    this.#post({ kind: 'end' });
  }

  async *#outputChunks(): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = this.#output.shift();
      if (chunk) {
        yield chunk;
      } else if (this.#failure) throw this.#failure.error;
      else if (this.#ended) return;
      else await this.#waitFor('consumer');
    }
  }

  #waitFor(side: 'source' | 'consumer'): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake[side] = resolve;
    return promise;
  }

  #post(message: WorkerRequest, transfer: ArrayBuffer[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  readonly #onMessage = (message: WorkerResponse): void => {
    switch (message.kind) {
      case 'pull':
        this.#inputCredits++;
        this.rows = message.rows;
        this.#pool.release(message.released);
        this.#wake.source();
        break;
      case 'chunk':
        this.#output.push(Buffer.from(message.bytes.buffer, 0, message.length));
        break;
      case 'done':
        this.rows = message.rows;
        this.#nulled = message.nulled;
        this.#metadata = message.metadata;
        this.#ended = true;
        this.#detach(releaseWorker);
        break;
      case 'unencodable':
        this.#fail(new UnencodableRowError(message.code, message.row, message.text));
        break;
      case 'failed':
        this.#fail(new Error(message.message));
        break;
      default:
        message satisfies never;
    }
    this.#wake.consumer();
  };

  readonly #onAbort = (): void => this.#fail(this.#signal.reason);

  readonly #onExit = (): void =>
    this.#fail(new Error('the worker thread of the encoder has ended'));

  readonly #fail = (error: unknown): void => {
    if (this.#ended) return;
    this.#failure ??= { error };
    this.#detach((worker) => void worker.terminate());
    // The source and the consumer may be waiting: wake them, so that they see the failure.
    this.#inputCredits = Math.max(1, this.#inputCredits);
    this.#wake.source();
    this.#wake.consumer();
  };

  #detach(end: (worker: Worker) => void): void {
    const worker = this.#worker;
    if (!worker) return;
    this.#worker = undefined;
    this.#signal.removeEventListener('abort', this.#onAbort);
    worker.off('message', this.#onMessage);
    worker.off('error', this.#fail);
    worker.off('exit', this.#onExit);
    end(worker);
  }
}
