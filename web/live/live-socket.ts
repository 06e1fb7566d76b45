import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import type { LiveMessage, LiveReading, LiveRequest } from '../../lib/contracts/live.ts';
import { Chain } from './chain.ts';

/** An open or opening WebSocket. */
export interface Socket {
  send(text: string): void;
  close(): void;
}

export interface SocketEvents {
  opened: () => void;
  received: (data: unknown) => void;
  closed: () => void;
}

export type LinkState =
  /** Nothing is listened to, or the tab is hidden and has no connection. */
  | { status: 'idle' }
  | { status: 'connecting'; failures: number }
  | { status: 'open' }
  /** `retryAt` is in ms of the browser's clock. */
  | { status: 'waiting'; failures: number; retryAt: number }
  | { status: 'offline' };

export interface LiveListener {
  /** Its series are left out if a connection cannot have all. */
  isOptional?: boolean;
  /** Called with the readings of a message, in the order of the server. */
  onReadings?: (items: readonly LiveReading[]) => void;
  onExport?: (document: ExportDocument) => void;
  /** Readings were missed that the server cannot send again. */
  onResync?: (reason: string) => void;
  /** The server refused something, for example a series. */
  onError?: (error: { code: string; message: string }) => void;
  onState?: (state: LinkState) => void;
}

interface Environment {
  /** Returns the URL of a connection. Rejects if there is no ticket. */
  requestUrl: () => Promise<string>;
  open: (url: string, events: SocketEvents) => Socket;
  isOnline: () => boolean;
  isHidden: () => boolean;
}

/** API Gateway ends a connection after two hours; some minutes earlier there is time for the next one. */
const maxAgeMs = 110 * 60_000;
/** And after ten minutes without a message. A dead connection is noticed earlier than that. */
const silenceMs = 60_000;
const pongMs = 10_000;
const openMs = 15_000;
const firstDelayMs = 1_000;
const maxDelayMs = 30_000;
/** Series of one connection; see `liveLimits` of the contract, which the page does not load. */
const maxSubscriptions = 200;
/** API Gateway takes frames of 32 KB. */
const maxMessageCharacters = 24_000;

/**
 * The connection to `/live`. It is open while there are listeners, connects again with a growing delay, and continues
 * after the last message that it has received. Messages that are missing are asked for again.
 */
export class LiveSocket {
  readonly #environment: Environment;
  readonly #listeners = new Map<LiveListener, ReadonlySet<string>>();
  #subscribed = new Set<string>();
  #socket: Socket | null = null;
  #state: LinkState = { status: 'idle' };
  #failures = 0;
  #chain = new Chain();
  /** Distinguishes connections, so that what a former one still sends or awaits has no effect. */
  #generation = 0;
  #receivedAt = 0;
  #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Listens to exports and to the readings of some series. Returns a function that ends that. */
  listen(listener: LiveListener, series: Iterable<string> = []): () => void {
    this.#listeners.set(listener, new Set(series));
    if (this.#state.status === 'idle') this.wake();
    else this.#updateSubscriptions();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) this.#updateSubscriptions();
      else this.#disconnect({ status: 'idle' });
    };
  }

  /** Changes the series of a listener. */
  select(listener: LiveListener, series: Iterable<string>): void {
    if (!this.#listeners.has(listener)) return;
    this.#listeners.set(listener, new Set(series));
    this.#updateSubscriptions();
  }

  /** Connects at once if there is no connection. */
  retryNow(): void {
    const { status } = this.#state;
    if (this.#listeners.size === 0 || status === 'open' || status === 'connecting') return;
    void this.#connect();
  }

  /** To be called when the tab becomes visible or hidden, and when the browser is online or offline. */
  wake(): void {
    const { status } = this.#state;
    if (this.#listeners.size === 0) return;
    if (!this.#environment.isOnline()) this.#disconnect({ status: 'offline' });
    else if (this.#environment.isHidden()) {
      // A connection that is being made tells of exports that become ready meanwhile.
      if (status !== 'open' && status !== 'connecting') this.#disconnect({ status: 'idle' });
    } else if (status === 'open') this.#checkSilence();
    else if (status !== 'connecting') void this.#connect();
  }

  async #connect(): Promise<void> {
    this.#drop();
    const generation = this.#generation;
    this.#change({ status: 'connecting', failures: this.#failures });
    this.#after(openMs, () => this.#failed());
    try {
      const url = await this.#environment.requestUrl();
      if (generation !== this.#generation) return;
      // Events of a connection that was left have no effect.
      const ifCurrent = (action: () => void): void => {
        if (generation === this.#generation) action();
      };
      this.#socket = this.#environment.open(url, {
        opened: () => ifCurrent(() => this.#opened()),
        received: (data) => ifCurrent(() => this.#received(data)),
        closed: () => ifCurrent(() => this.#failed()),
      });
    } catch {
      if (generation === this.#generation) this.#failed();
    }
  }

  #opened(): void {
    this.#clearTimers();
    this.#receivedAt = Date.now();
    this.#subscribed = new Set();
    const { cursor } = this.#chain;
    this.#chain.startConnection();
    this.#subscribeToWanted(cursor);
    // All browsers would reconnect in the same moment after a restart of the server.
    this.#after(maxAgeMs * (0.9 + Math.random() / 10), () => void this.#connect());
    this.#watchSilence();
    this.#change({ status: 'open' });
  }

  #received(data: unknown): void {
    this.#receivedAt = Date.now();
    // A connection counts as good only after a message: one that is refused opens first, too.
    this.#failures = 0;
    const message = parseMessage(data);
    switch (message?.type) {
      case 'readings': {
        const missedFrom = this.#chain.accept(message.prev, message.next);
        for (const { onReadings } of this.#listeners.keys()) onReadings?.(message.items);
        if (missedFrom !== null) this.#send('subscribe', [...this.#subscribed], missedFrom);
        return;
      }
      case 'export':
        for (const { onExport } of this.#listeners.keys()) onExport?.(message.export);
        return;
      case 'resync-required':
        this.#chain.continueFrom(message.next);
        for (const { onResync } of this.#listeners.keys()) onResync?.(message.reason);
        return;
      case 'error':
        for (const { onError } of this.#listeners.keys()) onError?.(message);
        return;
      // Messages of a server that is newer than the page have no effect.
      case 'pong':
      default:
    }
  }

  #updateSubscriptions(): void {
    if (this.#state.status === 'open') this.#subscribeToWanted(null);
  }

  /** Subscribes to what is listened to and not subscribed, from a cursor or from now on. */
  #subscribeToWanted(cursor: string | null): void {
    const [needed, optional] = [false, true].map((isOptional) =>
      [...this.#listeners].flatMap(([listener, series]) =>
        (listener.isOptional ?? false) === isOptional ? [...series] : [],
      ),
    );
    const wanted = new Set(
      [...new Set([...(needed ?? []), ...(optional ?? [])])].slice(0, maxSubscriptions),
    );
    const added = [...wanted].filter((series) => !this.#subscribed.has(series));
    const removed = [...this.#subscribed].filter((series) => !wanted.has(series));
    this.#subscribed = wanted;
    if (removed.length > 0) this.#send('unsubscribe', removed, null);
    if (added.length > 0) this.#send('subscribe', added, cursor);
    if (wanted.size === 0) this.#chain.forget();
  }

  #send(action: 'subscribe' | 'unsubscribe', series: readonly string[], from: string | null): void {
    for (const part of parts(series))
      this.#request(
        action === 'subscribe'
          ? { action, series: part, ...(from !== null && { from }) }
          : { action, series: part },
      );
  }

  #request(request: LiveRequest): void {
    this.#socket?.send(JSON.stringify(request));
  }

  /** Closes a connection that is silent and does not answer. */
  #watchSilence(): void {
    this.#after(silenceMs, () => {
      if (!this.#environment.isHidden()) this.#checkSilence();
      this.#watchSilence();
    });
  }

  #checkSilence(): void {
    const askedAt = Date.now();
    if (askedAt - this.#receivedAt < silenceMs) return;
    this.#request({ action: 'ping' });
    this.#after(pongMs, () => {
      if (this.#receivedAt < askedAt) void this.#connect();
    });
  }

  #failed(): void {
    this.#drop();
    if (this.#listeners.size === 0) return this.#change({ status: 'idle' });
    if (!this.#environment.isOnline()) return this.#change({ status: 'offline' });
    // A hidden tab sends nothing; it connects when it is shown.
    if (this.#environment.isHidden()) return this.#change({ status: 'idle' });
    const delay =
      Math.min(maxDelayMs, firstDelayMs * 2 ** this.#failures) * (0.75 + Math.random() / 4);
    this.#failures += 1;
    this.#after(delay, () => {
      if (this.#environment.isHidden()) this.#change({ status: 'idle' });
      else void this.#connect();
    });
    this.#change({ status: 'waiting', failures: this.#failures, retryAt: Date.now() + delay });
  }

  #disconnect(state: LinkState): void {
    this.#drop();
    this.#failures = 0;
    if (this.#listeners.size === 0) this.#chain.forget();
    this.#change(state);
  }

  /** Leaves the current connection and forgets its timers. */
  #drop(): void {
    this.#generation += 1;
    this.#clearTimers();
    this.#socket?.close();
    this.#socket = null;
  }

  #change(state: LinkState): void {
    this.#state = state;
    for (const { onState } of this.#listeners.keys()) onState?.(state);
  }

  #after(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    this.#timers.add(timer);
  }

  #clearTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

/** Returns a message of the server, unchecked as the answers of the API are; null if it is not JSON with a type. */
function parseMessage(data: unknown): LiveMessage | null {
  try {
    const message: LiveMessage = JSON.parse(String(data));
    return message;
  } catch {
    return null;
  }
}

/** Divides series so that each part fits into a message. */
function* parts(series: readonly string[]): Generator<string[]> {
  let part: string[] = [];
  let length = 0;
  for (const name of series) {
    const own = JSON.stringify(name).length + 1;
    if (part.length > 0 && length + own > maxMessageCharacters) {
      yield part;
      part = [];
      length = 0;
    }
    part.push(name);
    length += own;
  }
  if (part.length > 0) yield part;
}
