import { Readable } from 'node:stream';
import type { Connection, Submittable } from 'pg';
import { SpareBuffers } from '../runtime/spare-buffers.ts';
import { SourceSocket } from './source-socket.ts';

/** Bytes are handed on in pieces of about so many, */
const pieceBytes = 256 * 1_024;
/** and fewer when the server has taken so long for them: somebody looks at how far it is. */
const pieceMilliseconds = 50;

/** For the pieces of several readers, as much as they may read ahead. */
export const piecesToSpare = (): SpareBuffers => new SpareBuffers(pieceBytes, 128);

/** What may stand between the rows and is not for us: how COPY sends, notices, parameters, notifications. */
const passedOver = new Set(['H', 'N', 'S', 'A'].map((letter) => letter.charCodeAt(0)));
const copyData = 'd'.charCodeAt(0);
const copyDone = 'c'.charCodeAt(0);
/** A message begins with its type and its length, which counts itself but not the type. */
const headLength = 5;

/**
 * The bytes of a COPY … TO STDOUT, with the frames taken off in which the server sends them. There is a
 * frame for each row (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY): they are
 * counted, and that is how many rows have passed here whole. In the binary format the end is a frame, too.
 *
 * Pieces are made in buffers of `spare`: who is through with one gives it back there.
 *
 * It reads ahead up to so many pieces as `ahead` says; then it leaves the rest with the server. It ends at CopyDone;
 * that the server finished well is known by `told`.
 */
export class CopyOut extends Readable implements Submittable {
  /** Frames that have come whole. */
  frames = 0;
  /** How many rows the server says it sent; rejects if it failed, or its connection was lost. */
  readonly told: Promise<number>;
  readonly #statement: string;
  readonly #settle: { resolve: (rows: number) => void; reject: (error: Error) => void };
  #connection: Connection | undefined;
  /** The listener of the driver, which is not to see what we take. */
  #driver: ((bytes: Buffer) => void) | undefined;
  #rows: number | undefined;
  #wanted = false;
  readonly #spare: SpareBuffers;
  #piece: Buffer | undefined;
  #filled = 0;
  #handedAt = performance.now();
  /** The frame that has begun: its type, and how many bytes of it are to come. */
  #type = 0;
  #left = 0;
  #head: Buffer = Buffer.alloc(0);

  constructor(
    statement: string,
    { ahead = 4, spare = piecesToSpare() }: { ahead?: number; spare?: SpareBuffers } = {},
  ) {
    // As bytes they would be put together in a new buffer for whoever reads them.
    super({ objectMode: true, highWaterMark: ahead });
    this.#statement = statement;
    this.#spare = spare;
    const { promise, ...settle } = Promise.withResolvers<number>();
    this.told = promise;
    // Who does not wait for it learns of a failure by the stream.
    promise.catch(() => undefined);
    this.#settle = settle;
  }

  /** Called by the driver when it is this one's turn on the connection. */
  submit(connection: Connection): void {
    this.#connection = connection;
    const { stream } = connection;
    const [driver] = stream.listeners('data');
    if (!driver) throw new Error('nobody listens to the connection');
    this.#driver = (bytes) => driver.call(stream, bytes);
    stream.removeAllListeners('data');
    if (stream instanceof SourceSocket) stream.lends = true;
    stream.on('data', this.#listen);
    connection.query(this.#statement);
    // Rows come before anybody asks for them.
    this.read(0);
  }

  handleError(error: Error): void {
    this.#release(Buffer.alloc(0));
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
    this.#wanted = true;
    if (this.#driver) this.#connection?.stream.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#connection?.stream.removeListener('data', this.#listen);
    // Taken to their end, they are still to be told; that may come with the next bytes.
    if (error || !this.readableEnded)
      this.#settle.reject(error ?? new Error('the rows are not wanted any more'));
    callback(error);
  }

  readonly #listen = (bytes: Buffer): void => {
    this.#unframe(bytes);
    if (!this.#driver) return;
    if (performance.now() - this.#handedAt > pieceMilliseconds) this.#hand();
    if (!this.#wanted) this.#connection?.stream.pause();
  };

  #unframe(received: Buffer): void {
    const bytes = this.#head.length > 0 ? Buffer.concat([this.#head, received]) : received;
    let at = 0;
    while (at < bytes.length) {
      if (this.#left === 0) {
        const type = bytes[at] ?? 0;
        if (type !== copyData && !passedOver.has(type)) return this.#end(bytes, at);
        if (bytes.length - at < headLength) break;
        this.#type = type;
        this.#left = bytes.readUInt32BE(at + 1) - (headLength - 1);
        at += headLength;
      }
      const length = Math.min(this.#left, bytes.length - at);
      if (this.#type === copyData) this.#put(bytes, at, length);
      at += length;
      this.#left -= length;
      if (this.#left === 0 && this.#type === copyData) this.frames++;
    }
    // The bytes are only lent.
    this.#head = Buffer.from(bytes.subarray(at));
  }

  #put(bytes: Buffer, start: number, length: number): void {
    let at = start;
    while (at < start + length) {
      if (this.#filled === pieceBytes) this.#hand();
      const piece = (this.#piece ??= this.#spare.take());
      const part = Math.min(start + length - at, pieceBytes - this.#filled);
      // A call out of JavaScript costs as much as some dozen bytes.
      if (part < 48) for (let n = 0; n < part; n++) piece[this.#filled + n] = bytes[at + n] ?? 0;
      else bytes.copy(piece, this.#filled, at, at + part);
      this.#filled += part;
      at += part;
    }
  }

  #hand(): void {
    const piece = this.#piece?.subarray(0, this.#filled);
    if (!piece) return;
    this.#piece = undefined;
    this.#filled = 0;
    this.#handedAt = performance.now();
    if (!this.push(piece)) this.#wanted = false;
  }

  /** What follows the rows is the driver's: the end, or an error. */
  #end(bytes: Buffer, at: number): void {
    const isDone = bytes[at] === copyDone;
    if (isDone) this.#hand();
    this.#release(bytes.subarray(at));
    if (isDone) this.push(null);
  }

  #release(rest: Buffer): void {
    const [driver, stream] = [this.#driver, this.#connection?.stream];
    this.#driver = undefined;
    if (!driver || !stream) return;
    stream.removeListener('data', this.#listen);
    if (stream instanceof SourceSocket) stream.lends = false;
    stream.on('data', driver);
    if (rest.length > 0) driver(Buffer.from(rest));
    process.nextTick(() => stream.resume());
  }
}
