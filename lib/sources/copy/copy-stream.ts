import { Readable } from 'node:stream';
import type { Connection, Submittable } from 'pg';
import { BufferPool } from '../../runtime/buffer-pool.ts';
import { memoryBudget } from '../../runtime/memory-budget.ts';
import { ReusedBufferSocket } from './reused-buffer-socket.ts';

/** Bytes of a full chunk. */
const chunkBytes = memoryBudget.copyChunk.bytes;
/** A chunk that is not full within this time is passed on, so that progress stays visible. */
const maxChunkDelayMs = 50;

/** Returns a pool for the chunks of several readers: it retains as many as they may read ahead. */
export const createChunkPool = (): BufferPool =>
  new BufferPool(chunkBytes, memoryBudget.copyChunk.count);

/** Messages that may come between the rows: CopyOutResponse, notices, parameter changes, notifications. */
const ignoredMessageTypes = new Set(['H', 'N', 'S', 'A'].map((letter) => letter.charCodeAt(0)));
const copyData = 'd'.charCodeAt(0);
const copyDone = 'c'.charCodeAt(0);
/** A message begins with its type (1 byte) and its length (4 bytes), which includes itself but not the type. */
const headLength = 5;

/**
 * The bytes of a COPY … TO STDOUT without the frames of the protocol. The server sends a frame for each row
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY), so the frames are counted to know
 * how many rows were received whole. The binary format has one more frame, for its end.
 *
 * Chunks are buffers of `pool`: the consumer releases them there.
 *
 * The stream buffers up to `readAheadChunks` chunks, then stops reading the socket (back-pressure). It ends at
 * CopyDone; `serverRowCount` resolves once the server has completed the statement.
 */
export class CopyToStream extends Readable implements Submittable {
  /** Frames received whole. */
  rowCount = 0;
  /** How many rows the server reports to have sent. Rejects if the statement failed or the connection was lost. */
  readonly serverRowCount: Promise<number>;
  readonly #statement: string;
  readonly #settle: { resolve: (rows: number) => void; reject: (error: Error) => void };
  #connection: Connection | undefined;
  /** The driver's listener, detached while this stream reads the socket. */
  #driver: ((bytes: Buffer) => void) | undefined;
  #rows: number | undefined;
  #readRequested = false;
  readonly #pool: BufferPool;
  #chunk: Buffer | undefined;
  #filled = 0;
  #lastFlushAt = performance.now();
  /** The current frame: its type, and how many of its bytes are still to come. */
  #type = 0;
  #frameBytesLeft = 0;
  #head: Buffer = Buffer.alloc(0);

  constructor(
    statement: string,
    {
      readAheadChunks = 4,
      pool = createChunkPool(),
    }: { readAheadChunks?: number; pool?: BufferPool } = {},
  ) {
    // In byte mode Node would concatenate the chunks into new buffers.
    super({ objectMode: true, highWaterMark: readAheadChunks });
    this.#statement = statement;
    this.#pool = pool;
    const { promise, ...settle } = Promise.withResolvers<number>();
    this.serverRowCount = promise;
    // A consumer that does not await it gets the error from the stream; this avoids an unhandled rejection.
    promise.catch(() => undefined);
    this.#settle = settle;
  }

  /** The driver calls it when the connection is free for this statement. */
  submit(connection: Connection): void {
    this.#connection = connection;
    const { stream } = connection;
    const [driver] = stream.listeners('data');
    if (!driver) throw new Error('the driver has no listener on its connection');
    this.#driver = (bytes) => driver.call(stream, bytes);
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
    this.#rows = Number(/^COPY (\d+)$/.exec(text)?.[1] ?? Number.NaN);
  }

  handleReadyForQuery(): void {
    this.#settle.resolve(this.#rows ?? Number.NaN);
  }

  override _read(): void {
    this.#readRequested = true;
    if (this.#driver) this.#connection?.stream.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#connection?.stream.removeListener('data', this.#listen);
    // A stream read to its end still waits for the server's row count.
    if (error || !this.readableEnded)
      this.#settle.reject(error ?? new Error('the stream was destroyed before its end'));
    callback(error);
  }

  readonly #listen = (bytes: Buffer): void => {
    this.#unframe(bytes);
    if (!this.#driver) return;
    if (performance.now() - this.#lastFlushAt > maxChunkDelayMs) this.#flush();
    if (!this.#readRequested) this.#connection?.stream.pause();
  };

  #unframe(received: Buffer): void {
    const bytes = this.#head.length > 0 ? Buffer.concat([this.#head, received]) : received;
    let at = 0;
    while (at < bytes.length) {
      if (this.#frameBytesLeft === 0) {
        const type = bytes[at] ?? 0;
        if (type !== copyData && !ignoredMessageTypes.has(type)) return this.#end(bytes, at);
        if (bytes.length - at < headLength) break;
        this.#type = type;
        this.#frameBytesLeft = bytes.readUInt32BE(at + 1) - (headLength - 1);
        at += headLength;
      }
      const length = Math.min(this.#frameBytesLeft, bytes.length - at);
      if (this.#type === copyData) this.#append(bytes, at, length);
      at += length;
      this.#frameBytesLeft -= length;
      if (this.#frameBytesLeft === 0 && this.#type === copyData) this.rowCount++;
    }
    // Copied, because the socket reuses its buffer.
    this.#head = Buffer.from(bytes.subarray(at));
  }

  #append(bytes: Buffer, start: number, length: number): void {
    let at = start;
    while (at < start + length) {
      if (this.#filled === chunkBytes) this.#flush();
      const chunk = (this.#chunk ??= this.#pool.acquire());
      const count = Math.min(start + length - at, chunkBytes - this.#filled);
      // Below 48 bytes a loop is faster than the native call of `copy`.
      if (count < 48) for (let n = 0; n < count; n++) chunk[this.#filled + n] = bytes[at + n] ?? 0;
      else bytes.copy(chunk, this.#filled, at, at + count);
      this.#filled += count;
      at += count;
    }
  }

  #flush(): void {
    const chunk = this.#chunk?.subarray(0, this.#filled);
    if (!chunk) return;
    this.#chunk = undefined;
    this.#filled = 0;
    this.#lastFlushAt = performance.now();
    if (!this.push(chunk)) this.#readRequested = false;
  }

  /** Passes what follows the rows to the driver: the end or an error. */
  #end(bytes: Buffer, at: number): void {
    const isDone = bytes[at] === copyDone;
    if (isDone) this.#flush();
    this.#reattachDriver(bytes.subarray(at));
    if (isDone) this.push(null);
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
