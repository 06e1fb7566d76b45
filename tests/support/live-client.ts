import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import {
  type LiveMessage,
  type LiveReading,
  type LiveRequest,
  liveMessageSchema,
  liveTicketSchema,
} from '../../lib/contracts/live.ts';
import { asDemo, call } from './api.ts';
import { assertDocumentedMessage } from './openapi-assertions.ts';
import { waitFor } from './wait-for.ts';

type Headers = Record<string, string>;

/** Returns a new address of the live socket. */
export async function liveTicket(headers: Headers = asDemo): Promise<string> {
  return (await call('POST', '/live-tickets', { headers })).json(liveTicketSchema).url;
}

/** Opens a socket and throws if it does not open. */
export async function openSocket(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  await new Promise<void>((opened, failed) => {
    socket.addEventListener('open', () => opened());
    socket.addEventListener('error', () => failed(new Error('the socket did not open')));
  });
  return socket;
}

/** How long a client waits for the answer to a subscription before it asks again. */
const answerMs = 10_000;

/**
 * A client of the live socket that keeps to the contract: it follows the chain of cursors, subscribes again from its
 * last cursor when it has a gap, and opens another socket when its own is closed.
 */
export class LiveClient {
  /** All messages, as they came. */
  readonly messages: LiveMessage[] = [];
  /** The readings of the messages that continued its chain, since the last `resync-required`. */
  readings: LiveReading[] = [];
  readonly resyncs: string[] = [];
  gaps = 0;
  reconnects = 0;
  /** The `next` of the last message of its chain. */
  cursor: string | undefined;
  readonly #headers: Headers;
  readonly #series = new Set<string>();
  readonly #reopens: boolean;
  #socket: WebSocket | undefined;
  #isClosing = false;
  #askedAt: number | undefined;

  private constructor(headers: Headers, reopens: boolean) {
    this.#headers = headers;
    this.#reopens = reopens;
  }

  /** @param reopens whether it opens another socket when its own is closed */
  static async open(headers: Headers = asDemo, { reopens = false } = {}): Promise<LiveClient> {
    const client = new LiveClient(headers, reopens);
    await client.#open();
    return client;
  }

  async #open(): Promise<void> {
    const socket = await openSocket(await liveTicket(this.#headers));
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#receive(String(data)));
    socket.addEventListener('close', () => void this.#reopen());
    if (this.#series.size > 0) this.#ask();
  }

  async #reopen(): Promise<void> {
    this.#socket = undefined;
    while (this.#reopens && !this.#isClosing && this.#socket === undefined) {
      this.reconnects++;
      await this.#open().catch(() => setTimeout(300));
    }
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  send(request: LiveRequest | Record<string, unknown> | string): void {
    this.#socket?.send(typeof request === 'string' ? request : JSON.stringify(request));
  }

  /** Subscribes, and resolves when that is answered. */
  async subscribe(series: readonly string[], from?: string): Promise<void> {
    const before = this.messages.length;
    for (const name of series) this.#series.add(name);
    if (from !== undefined && this.cursor === undefined) this.cursor = from;
    this.send({ action: 'subscribe', series, ...(from === undefined ? {} : { from }) });
    await this.message(
      ({ type }) => type === 'readings' || type === 'resync-required' || type === 'error',
      before,
    );
  }

  /** Resolves with the first message from `start` on that passes. */
  async message(passes: (message: LiveMessage) => boolean, start = 0): Promise<LiveMessage> {
    return waitFor('a live message', async () => this.messages.slice(start).find(passes), {
      seconds: 20,
      everyMs: 10,
    });
  }

  /** Resolves when the client has this number of readings of a series, by default of all. */
  async has(count: number, series?: string, seconds = 20): Promise<LiveReading[]> {
    const own = () => this.readings.filter(([name]) => series === undefined || name === series);
    return waitFor(`${count} readings`, async () => (own().length >= count ? own() : undefined), {
      seconds,
      everyMs: 20,
    });
  }

  /** Loses its socket. */
  cut(): void {
    this.#socket?.close();
  }

  close(): void {
    this.#isClosing = true;
    this.#socket?.close();
  }

  #receive(text: string): void {
    assertDocumentedMessage(text);
    const message = liveMessageSchema.parse(JSON.parse(text));
    this.messages.push(message);
    if (message.type === 'resync-required') {
      this.resyncs.push(message.reason);
      this.readings = [];
      this.cursor = message.next;
      this.#askedAt = undefined;
    } else if (message.type === 'readings') this.#follow(message);
  }

  #follow({ prev, next, items }: Extract<LiveMessage, { type: 'readings' }>): void {
    if (this.cursor !== undefined && prev !== this.cursor) {
      // Messages that were in flight when it asked are not answers.
      const isAsking = this.#askedAt !== undefined && performance.now() < this.#askedAt + answerMs;
      if (!isAsking) {
        this.gaps++;
        this.#ask();
      }
      return;
    }
    this.#askedAt = undefined;
    this.cursor = next;
    this.readings.push(...items);
  }

  /** Subscribes to everything again, from where it is. */
  #ask(): void {
    this.#askedAt = performance.now();
    this.send({
      action: 'subscribe',
      series: [...this.#series],
      ...(this.cursor === undefined ? {} : { from: this.cursor }),
    });
  }
}

/** Returns names of series that no other test has. */
export function ownSeries(count: number): string[] {
  const prefix = randomUUID().slice(0, 8);
  return Array.from({ length: count }, (_, n) => `live-${prefix}-${n}`);
}
