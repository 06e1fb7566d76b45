import { Worker } from 'node:worker_threads';
import type { SpareBuffers } from '../../runtime/spare-buffers.ts';
import type { Encoder, Fragment } from '../format.ts';
import { UnfitRow } from '../unfit-row.ts';
import { type FromThread, type Job, mostPieces, type ToThread } from './messages.ts';

/** Threads that wait for their next job: starting one takes as long as encoding some ten thousand rows. */
const idle: Worker[] = [];
const mostIdle = 2;

let jobs = 0;

/** A small nursery is collected often, and does not grow with the length of a job. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };

function takeThread(): Worker {
  const waiting = idle.pop();
  if (waiting) {
    waiting.ref();
    return waiting;
  }
  const thread = new Worker(new URL('./thread.ts', import.meta.url), { resourceLimits });
  // It is not missed if it ends while it waits; whoever has it listens on his own.
  thread.on('error', () => undefined);
  thread.on('exit', () => {
    const at = idle.indexOf(thread);
    if (at >= 0) idle.splice(at, 1);
  });
  return thread;
}

function giveBack(thread: Worker): void {
  if (idle.length >= mostIdle) {
    void thread.terminate();
    return;
  }
  // One that waits keeps no process alive.
  thread.unref();
  idle.push(thread);
}

/**
 * An encoder that works in a thread of its own, beside the one that moves bytes between the source and the
 * storage. It begins as soon as it is given its source, whether anybody takes what it makes or not, and
 * goes on until `mostUntaken` says stop. When the signal is given it is ended.
 */
export class EncoderBeside implements Encoder {
  rows = 0;
  #nulled: readonly number[] = [];
  #fragment: Fragment = [];
  readonly #job: Job;
  readonly #signal: AbortSignal;
  /** Where the source's pieces come from. */
  readonly #spare: SpareBuffers;
  #room = mostPieces;
  #made: Buffer[] = [];
  #ended = false;
  #failure: { error: unknown } | undefined;
  #thread: Worker | undefined;
  #lastThread: Worker | undefined;
  readonly #number = ++jobs;
  #wake = { source: (): void => undefined, taker: (): void => undefined };

  constructor(job: Job, { signal, spare }: { signal: AbortSignal; spare: SpareBuffers }) {
    this.#job = job;
    this.#signal = signal;
    this.#spare = spare;
  }

  nulled(): readonly number[] {
    return this.#nulled;
  }

  fragment(): Fragment {
    return this.#fragment;
  }

  /** A piece that it made, and that nobody looks at any more: the thread waits for them. */
  giveBack({ buffer }: Buffer): void {
    if (!(buffer instanceof ArrayBuffer)) return;
    // To the same thread, though it may have another job by now.
    this.#lastThread?.postMessage(
      { kind: 'taken', number: this.#number, bytes: new Uint8Array(buffer) } satisfies ToThread,
      [buffer],
    );
  }

  encode(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    this.#signal.throwIfAborted();
    const thread = takeThread();
    this.#thread = thread;
    this.#lastThread = thread;
    thread.on('message', this.#onMessage);
    thread.on('error', this.#fail);
    thread.on('exit', this.#onExit);
    this.#signal.addEventListener('abort', this.#onAbort);
    this.#tell({ kind: 'begin', number: this.#number, job: this.#job });
    this.#feed(source).catch(this.#fail);
    return this.#taken();
  }

  async #feed(source: AsyncIterable<Buffer>): Promise<void> {
    for await (const piece of source) {
      while (this.#room === 0) await this.#woken('source');
      if (this.#failure) return;
      this.#room--;
      const bytes = this.#spare.isOne(piece) ? piece : new Uint8Array(piece);
      this.#tell({ kind: 'piece', bytes }, [bytes.buffer]);
    }
    this.#tell({ kind: 'end' });
  }

  async *#taken(): AsyncGenerator<Buffer> {
    for (;;) {
      const piece = this.#made.shift();
      if (piece) {
        yield piece;
      } else if (this.#failure) throw this.#failure.error;
      else if (this.#ended) return;
      else await this.#woken('taker');
    }
  }

  #woken(who: 'source' | 'taker'): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake[who] = resolve;
    return promise;
  }

  #tell(message: ToThread, transfer: ArrayBuffer[] = []): void {
    this.#thread?.postMessage(message, transfer);
  }

  readonly #onMessage = (message: FromThread): void => {
    switch (message.kind) {
      case 'want':
        this.#room++;
        this.rows = message.rows;
        this.#spare.give(message.taken);
        this.#wake.source();
        break;
      case 'piece':
        this.#made.push(Buffer.from(message.bytes.buffer, 0, message.length));
        break;
      case 'done':
        this.rows = message.rows;
        this.#nulled = message.nulled;
        this.#fragment = message.fragment;
        this.#ended = true;
        this.#leave(giveBack);
        break;
      case 'unfit':
        this.#fail(new UnfitRow(message.code, message.row, message.said));
        break;
      case 'failed':
        this.#fail(new Error(message.message));
        break;
      default:
        message satisfies never;
    }
    this.#wake.taker();
  };

  readonly #onAbort = (): void => this.#fail(this.#signal.reason);

  readonly #onExit = (): void => this.#fail(new Error('the thread that encodes has ended'));

  readonly #fail = (error: unknown): void => {
    if (this.#ended) return;
    this.#failure ??= { error };
    this.#leave((thread) => void thread.terminate());
    // Whoever waits is to see it.
    this.#room = Math.max(1, this.#room);
    this.#wake.source();
    this.#wake.taker();
  };

  #leave(how: (thread: Worker) => void): void {
    const thread = this.#thread;
    if (!thread) return;
    this.#thread = undefined;
    this.#signal.removeEventListener('abort', this.#onAbort);
    thread.off('message', this.#onMessage);
    thread.off('error', this.#fail);
    thread.off('exit', this.#onExit);
    how(thread);
  }
}
