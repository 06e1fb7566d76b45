import { Readable } from 'node:stream';
import type { Connection, Submittable } from 'pg';
import type { KernelPlan, RowKernel } from '../../kernels/row-kernel.ts';
import { BufferPool } from '../../runtime/buffer-pool.ts';
import { errorMessage } from '../../runtime/errors.ts';
import { memoryBudget } from '../../runtime/memory-budget.ts';
import { type CopyRows, copyDone } from './copy-rows.ts';
import { KernelRows } from './kernel-rows.ts';
import { PlainRows } from './plain-rows.ts';
import { kernelMemoryOf, ReusedBufferSocket } from './reused-buffer-socket.ts';

/** A chunk that is not full within this time is passed on, so that progress stays visible. */
const maxChunkDelayMs = 50;

/** Returns a pool for the chunks of several readers: it retains as many as they may read ahead. */
export const createChunkPool = (): BufferPool =>
  new BufferPool(memoryBudget.copyChunk.bytes, memoryBudget.copyChunk.count);

/**
 * The rows of a COPY … TO STDOUT without the messages of the protocol: as the server sends them, or encoded by a kernel.
 *
 * Chunks of rows as they are, and of text, are buffers of `pool`: the consumer releases them there.
 *
 * The stream buffers up to `readAheadChunks` chunks, then stops reading the socket (back-pressure). It ends at
 * CopyDone; `serverRowCount` resolves once the server has completed the statement.
 */
export class CopyToStream extends Readable implements Submittable {
  /** How many rows the server reports to have sent. Rejects if the statement failed or the connection was lost. */
  readonly serverRowCount: Promise<number>;
  /** The kernel that encodes the rows, once the statement is sent. */
  kernel: RowKernel | undefined;
  readonly #statement: string;
  readonly #settle: { resolve: (rows: number) => void; reject: (error: Error) => void };
  #connection: Connection | undefined;
  /** The driver's listener, detached while this stream reads the socket. */
  #driver: ((bytes: Buffer) => void) | undefined;
  #serverRows: number | undefined;
  #readRequested = false;
  readonly #pool: BufferPool;
  readonly #plan: KernelPlan | undefined;
  #rows: CopyRows;
  #isWaiting = false;
  #lastFlushAt = performance.now();

  /** @param options.kernel encodes the rows; the stream gives them as they are without one */
  constructor(
    statement: string,
    {
      readAheadChunks = 4,
      pool = createChunkPool(),
      kernel,
    }: {
      readAheadChunks?: number;
      pool?: BufferPool;
      kernel?: KernelPlan | undefined;
    } = {},
  ) {
    // In byte mode Node would concatenate the chunks into new buffers.
    super({ objectMode: true, highWaterMark: readAheadChunks });
    this.#statement = statement;
    this.#pool = pool;
    this.#plan = kernel;
    this.#rows = new PlainRows(pool, this.#emit);
    const { promise, ...settle } = Promise.withResolvers<number>();
    this.serverRowCount = promise;
    // A consumer that does not await it gets the error from the stream; this avoids an unhandled rejection.
    promise.catch(() => undefined);
    this.#settle = settle;
  }

  /** Rows received whole; of a binary COPY without a kernel also the message of its end. */
  get rowCount(): number {
    return this.#rows.rowCount;
  }

  /** The driver calls it when the connection is free for this statement. */
  submit(connection: Connection): void {
    this.#connection = connection;
    const { stream } = connection;
    const [driver] = stream.listeners('data');
    if (!driver) throw new Error('the driver has no listener on its connection');
    this.#driver = (bytes) => driver.call(stream, bytes);
    if (this.#plan) {
      const memory = kernelMemoryOf(stream, this.#plan.bytes);
      this.kernel = this.#plan.create({ memory, pool: this.#pool, emit: this.#emit });
      this.#rows = new KernelRows(memory, this.kernel);
    }
    stream.removeAllListeners('data');
    if (stream instanceof ReusedBufferSocket) stream.lendsBuffer = true;
    stream.on('data', this.#listen);
    connection.query(this.#statement);
    // Starts reading ahead before the consumer does.
    this.read(0);
  }

  handleError(error: Error): void {
    this.#reattachDriver(Buffer.alloc(0));
    this.#settle.reject(error);
    this.destroy(error);
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#serverRows = Number(/^COPY (\d+)$/.exec(text)?.[1] ?? Number.NaN);
  }

  handleReadyForQuery(): void {
    this.#settle.resolve(this.#serverRows ?? Number.NaN);
  }

  override _read(): void {
    this.#readRequested = true;
    this.#resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#connection?.stream.removeListener('data', this.#listen);
    // A stream read to its end still waits for the server's row count.
    if (error || !this.readableEnded)
      this.#settle.reject(error ?? new Error('the stream was destroyed before its end'));
    callback(error);
  }

  readonly #emit = (chunk: Buffer): void => {
    this.#lastFlushAt = performance.now();
    if (!this.push(chunk)) this.#readRequested = false;
  };

  readonly #listen = (bytes: Buffer): void => this.#advance(() => this.#rows.take(bytes));

  /** Goes on with what is taken. The caller is the socket, so what a kernel throws has to become the error of the stream. */
  #advance(take: () => Buffer | undefined): void {
    let rest: Buffer | undefined;
    try {
      rest = take();
      if (rest?.[0] === copyDone) this.#rows.end();
      else if (!rest && performance.now() - this.#lastFlushAt > maxChunkDelayMs) this.#rows.flush();
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#rows.pending) this.#waitFor(this.#rows.pending, rest);
    else if (rest) this.#end(rest);
    else if (!this.#readRequested) this.#connection?.stream.pause();
  }

  /** Pauses the socket while the kernel works, then goes on with the rows, or with what follows them. */
  #waitFor(pending: Promise<void>, rest: Buffer | undefined): void {
    // The memory of the rest is that of the socket.
    const copy = rest && Buffer.from(rest);
    this.#isWaiting = true;
    this.#connection?.stream.pause();
    pending
      .then(() => {
        this.#isWaiting = false;
        if (this.destroyed) return;
        if (copy) this.#end(copy);
        else this.#advance(() => this.#rows.resume?.());
        if (this.#readRequested) this.#resume();
      })
      .catch(this.#fail);
  }

  #resume(): void {
    if (this.#driver && !this.#isWaiting) this.#connection?.stream.resume();
  }

  readonly #fail = (error: unknown): void => {
    this.destroy(error instanceof Error ? error : new Error(errorMessage(error)));
  };

  /** Passes what follows the rows to the driver: the end or an error. */
  #end(rest: Buffer): void {
    this.#reattachDriver(rest);
    if (rest[0] === copyDone) this.push(null);
  }

  #reattachDriver(rest: Buffer): void {
    const [driver, stream] = [this.#driver, this.#connection?.stream];
    this.#driver = undefined;
    if (!driver || !stream) return;
    stream.removeListener('data', this.#listen);
    if (stream instanceof ReusedBufferSocket) stream.lendsBuffer = false;
    stream.on('data', driver);
    if (rest.length > 0) driver(Buffer.from(rest));
    process.nextTick(() => stream.resume());
  }
}
