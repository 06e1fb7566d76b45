import type { LiveReading } from '../../lib/contracts/live.ts';
import type { Readings, SeriesItem, SeriesList } from '../../lib/contracts/readings.ts';
import { type ChartData, chartData } from './chart-data.ts';
import { intervalOf } from './gaps.ts';
import { bucketMs, parseInstant, toInstant } from './instant.ts';
import type { LinkState, LiveListener, LiveSocket } from './live-socket.ts';
import { type Point, SeriesBuffer } from './series-buffer.ts';

/** What the chart shows: the last minutes, or a fixed range in ms. */
export type View = { kind: 'live'; windowMs: number } | { kind: 'fixed'; from: number; to: number };

/** The latest value of a series; `value` is null if it is not a number. */
interface Latest {
  at: number;
  value: number | null;
}

/** A row of the table. */
export interface Row {
  series: string;
  unit: string;
  latest: Latest | null;
  /** The usual time between two readings in ms, or null if it is not known. */
  intervalMs: number | null;
  /** The number of its line in the chart, from 0; null if it has none. */
  slot: number | null;
}

/** What the chart draws. It is the same object until something changes. */
export interface Frame {
  lines: readonly { series: string; unit: string; slot: number }[];
  data: ChartData;
  from: number;
  to: number;
}

type HistoryState = 'loading' | 'loaded' | 'failed';

/** How readings come: by the socket, by polling, or not. */
export type Connection =
  | { status: 'live' | 'catching-up' | 'connecting' | 'polling' | 'offline' }
  | { status: 'reconnecting'; retryAt: number };

export interface FeedState {
  rows: readonly Row[];
  /** The time that the ages of the rows refer to, in ms. */
  now: number;
  connection: Connection;
  /** The age of the newest reading when it arrived; null if it is not known. */
  lagMs: number | null;
  paused: { at: number; newReadings: number } | null;
  history: HistoryState;
  historyError: unknown;
  /** What the user has to know about missing readings, until it is dismissed. */
  notice: { kind: 'reloaded'; lostMs: number | null } | { kind: 'refused'; message: string } | null;
}

export interface ReadingsQuery {
  series: string;
  from: string;
  to?: string;
  bucket?: string;
}

export interface SeriesQuery {
  search?: string;
  cursor?: string;
  limit: number;
}

/** An answer to a conditional GET; the body is null for 304. */
export interface Conditional<T> {
  body: T | null;
  etag: string | null;
}

export interface FeedEnvironment {
  socket: LiveSocket;
  getReadings: (
    query: ReadingsQuery,
    etag: string | null,
    signal: AbortSignal,
  ) => Promise<Conditional<Readings>>;
  listSeries: (
    query: SeriesQuery,
    etag: string | null,
    signal: AbortSignal,
  ) => Promise<Conditional<SeriesList>>;
  /** The server's clock in ms. */
  now: () => number;
  isHidden: () => boolean;
}

export const maxLines = 8;
export const maxSeries = 200;
const pollMs = 5_000;

const rowsMs = 1_000;
/** Readings arrive live and are stored independently of each other; after this time the history has both. */
const settleMs = 4_000;
/** After this number of failures the readings are polled. */
const pollingFailures = 2;
const maxEtags = 1_000;
/** A list of series has at most 200 of them. */
const maxListPages = 5;

interface Known {
  unit: string;
  latest: Latest | null;
  slot: number | null;
  buffer: SeriesBuffer;
  /** The buffer of a fixed range. */
  fixed: SeriesBuffer;
  bucket: string | undefined;
}

/** Holds what the live page shows: history and live readings of the selected series. */
export class Feed {
  readonly #environment: FeedEnvironment;
  readonly #series = new Map<string, Known>();
  readonly #hiddenLines = new Set<string>();
  readonly #listeners = new Set<() => void>();
  readonly #listener: LiveListener;
  readonly #etags = new Map<string, string>();
  #stopListening: (() => void) | null = null;
  #view: View = { kind: 'live', windowMs: 900_000 };
  #state: FeedState;
  #frame: Frame | null = null;
  /** Whether the points of a line, or the lines, have changed since the last frame. */
  #isDirty = true;
  #frozen: Frame | null = null;
  #loading: AbortController | null = null;
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #rowsTimer: ReturnType<typeof setTimeout> | null = null;
  #pollTimer: ReturnType<typeof setTimeout> | null = null;
  #isPolling = false;
  /** When the connection was lost, in ms; null while there is one. */
  #lostAt: number | null = null;
  #lossEnded: { ms: number; at: number } | null = null;
  #settleFrom: number | null = null;
  #catchingUpUntil = 0;

  constructor(environment: FeedEnvironment) {
    this.#environment = environment;
    this.#state = {
      rows: [],
      now: environment.now(),
      connection: { status: 'connecting' },
      lagMs: null,
      paused: null,
      history: 'loaded',
      historyError: null,
      notice: null,
    };
    this.#listener = {
      onReadings: (items) => this.#received(items),
      onResync: () => this.#resync(),
      onError: ({ message }) => this.#change({ notice: { kind: 'refused', message } }),
      onState: (state) => this.#linkChanged(state),
    };
  }

  /** Starts to listen. Returns a function that ends everything. */
  start(): () => void {
    this.#stopListening = this.#environment.socket.listen(this.#listener, this.#series.keys());
    this.#linkChanged(this.#environment.socket.state);
    this.retryHistory();
    this.#every(rowsMs, () => this.#updateRows());
    this.#every(10_000, () => this.#maintain());
    return () => {
      this.#stopListening?.();
      this.#stopListening = null;
      this.#loading?.abort();
      for (const timer of this.#timers) clearTimeout(timer);
      this.#timers.clear();
      this.#stopPolling();
      if (this.#rowsTimer !== null) clearTimeout(this.#rowsTimer);
      this.#rowsTimer = null;
    };
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get state(): FeedState {
    return this.#state;
  }

  get view(): View {
    return this.#view;
  }

  /** Shows these series. `items` are what is known of them already, from the list to choose from. */
  setSeries(names: readonly string[], items: readonly SeriesItem[] = []): void {
    const wanted = new Set(names.slice(0, maxSeries));
    const known = new Map(items.map((item) => [item.series, item]));
    const added = [...wanted].filter((name) => !this.#series.has(name));
    for (const name of this.#series.keys())
      if (!wanted.has(name)) {
        this.#series.delete(name);
        this.#hiddenLines.delete(name);
      }
    for (const name of added) {
      const item = known.get(name);
      this.#series.set(name, {
        unit: item?.unit ?? '',
        latest: item ? latestOf(item) : null,
        slot: null,
        buffer: new SeriesBuffer(),
        fixed: new SeriesBuffer(),
        bucket: undefined,
      });
    }
    // The order of the selection is that of the table.
    for (const name of wanted) {
      const own = this.#series.get(name);
      this.#series.delete(name);
      if (own) this.#series.set(name, own);
    }
    this.#environment.socket.select(this.#listener, this.#series.keys());
    const withNewLine = this.#assignSlots();
    this.#linesChanged();
    if (added.some((name) => !known.has(name))) void this.#loadDetails();
    if (withNewLine.length > 0) void this.#loadHistory(withNewLine);
  }

  /** Draws the line of a series, or hides it. */
  setLine(series: string, isVisible: boolean): void {
    if (isVisible) this.#hiddenLines.delete(series);
    else this.#hiddenLines.add(series);
    const withNewLine = this.#assignSlots();
    this.#linesChanged();
    if (withNewLine.length > 0) void this.#loadHistory(withNewLine);
  }

  /** Changes what the chart shows, and loads its history. A fixed range pauses. */
  setView(view: View): void {
    if (JSON.stringify(view) === JSON.stringify(this.#view)) return;
    this.#view = view;
    this.#frozen = null;
    for (const { fixed } of this.#series.values()) fixed.clear();
    if (view.kind === 'fixed') this.#pause();
    else if (this.#state.paused) this.#change({ paused: null });
    this.#linesChanged();
    void this.#loadHistory(this.#drawn().map(({ name }) => name));
  }

  /** Freezes chart and table. Readings go on arriving. */
  pause(): void {
    this.#frozen = this.frame();
    this.#pause();
  }

  /** Shows the present again. A fixed range stays until the view changes. */
  resume(): void {
    this.#frozen = null;
    this.#change({ paused: null });
    this.#linesChanged();
  }

  retryHistory(): void {
    void this.#loadHistory(this.#drawn().map(({ name }) => name));
  }

  dismissNotice(): void {
    this.#change({ notice: null });
  }

  /** To be called when the tab was hidden and is shown again. */
  wake(): void {
    if (this.#isPolling) this.#poll();
  }

  /** Returns what to draw now; the same object as before if that has not changed. */
  frame(): Frame {
    if (this.#frozen) return this.#frozen;
    const now = this.#environment.now();
    const { from, to } =
      this.#view.kind === 'fixed' ? this.#view : { from: now - this.#view.windowMs, to: now };
    const before = this.#frame;
    if (before && !this.#isDirty && before.from === from && before.to === to) return before;
    const drawn = this.#drawn();
    const data =
      before && !this.#isDirty
        ? before.data
        : chartData(
            drawn.map(({ known: { buffer, fixed } }) =>
              this.#view.kind === 'fixed' && fixed.newest ? fixed.points : buffer.points,
            ),
            { from, to },
          );
    this.#isDirty = false;
    this.#frame = {
      data,
      from,
      to,
      lines: drawn.map(({ name, known, slot }) => ({ series: name, unit: known.unit, slot })),
    };
    return this.#frame;
  }

  #pause(): void {
    if (this.#state.paused) return;
    this.#updateRows();
    this.#change({ paused: { at: this.#environment.now(), newReadings: 0 } });
  }

  /** Returns the series that have a line, in their order. */
  #drawn(): { name: string; known: Known; slot: number }[] {
    return [...this.#series].flatMap(([name, known]) =>
      known.slot === null ? [] : [{ name, known, slot: known.slot }],
    );
  }

  /** Gives lines to the first series that are not hidden; a line keeps its colour. Returns the series with a new line. */
  #assignSlots(): string[] {
    const visible = [...this.#series.keys()]
      .filter((name) => !this.#hiddenLines.has(name))
      .slice(0, maxLines);
    const withNewLine: string[] = [];
    for (const [name, known] of this.#series) if (!visible.includes(name)) known.slot = null;
    for (const name of visible) {
      const known = this.#series.get(name);
      if (!known || known.slot !== null) continue;
      const used = new Set([...this.#series.values()].map(({ slot }) => slot));
      known.slot =
        Array.from({ length: maxLines }, (_, slot) => slot).find((slot) => !used.has(slot)) ?? 0;
      withNewLine.push(name);
    }
    return withNewLine;
  }

  #received(items: readonly LiveReading[]): void {
    let newest = 0;
    let added = 0;
    for (const [series, text, value] of items) {
      const known = this.#series.get(series);
      const at = parseInstant(text);
      newest = Math.max(newest, at);
      if (!known || Number.isNaN(at)) continue;
      if (known.buffer.add(at, value)) added += 1;
      if (known.slot !== null) this.#isDirty = true;
      if (!known.latest || at >= known.latest.at) known.latest = { at, value };
    }
    const now = this.#environment.now();
    const lagMs = newest > 0 ? Math.max(0, now - newest) : this.#state.lagMs;
    if (lagMs !== null && lagMs < 5_000) this.#catchingUpUntil = 0;
    const { paused } = this.#state;
    // The state is published with the rows, once a second.
    this.#state = {
      ...this.#state,
      lagMs,
      paused: paused && { ...paused, newReadings: paused.newReadings + added },
    };
    this.#updateRowsSoon();
  }

  #linkChanged(link: LinkState): void {
    const now = this.#environment.now();
    if (link.status === 'open') {
      if (this.#lostAt !== null) {
        this.#lossEnded = { ms: now - this.#lostAt, at: now };
        this.#catchingUpUntil = now + 10_000;
      }
      // What was stored between the last answer and the subscription.
      const from = this.#lostAt ?? now - 2 * pollMs;
      this.#settleFrom = Math.min(this.#settleFrom ?? from, from);
      this.#settleSoon();
      this.#lostAt = null;
      this.#stopPolling();
    } else {
      const { status } = this.#state.connection;
      this.#lostAt ??= status === 'live' || status === 'catching-up' ? now : null;
      const failures = 'failures' in link ? link.failures : 0;
      if (failures >= pollingFailures) this.#startPolling();
    }
    this.#change({
      connection: this.#connectionOf(link),
      ...(link.status !== 'open' && { lagMs: null }),
    });
  }

  #connectionOf(link: LinkState): Connection {
    if (link.status === 'offline') return { status: 'offline' };
    if (this.#isPolling) return { status: 'polling' };
    if (link.status === 'waiting') return { status: 'reconnecting', retryAt: link.retryAt };
    if (link.status !== 'open') return { status: 'connecting' };
    return { status: this.#environment.now() < this.#catchingUpUntil ? 'catching-up' : 'live' };
  }

  #resync(): void {
    const now = this.#environment.now();
    const loss = this.#lossEnded;
    const lostMs = loss && now - loss.at < 60_000 ? loss.ms : null;
    this.#change({ notice: { kind: 'reloaded', lostMs } });
    void this.#loadHistory(this.#drawn().map(({ name }) => name));
    void this.#loadDetails();
  }

  /** Loads the points of the range that the chart shows. */
  async #loadHistory(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    const isAll = names.length === this.#drawn().length;
    if (isAll) this.#loading?.abort();
    const loading = isAll || !this.#loading ? new AbortController() : this.#loading;
    this.#loading = loading;
    const view = this.#view;
    const now = this.#environment.now();
    const range =
      view.kind === 'fixed'
        ? { from: toInstant(view.from), to: toInstant(view.to) }
        : { from: toInstant(now - view.windowMs) };
    this.#change({ history: 'loading', historyError: null });
    const results = await Promise.allSettled(
      names.map(async (name) => {
        const { body } = await this.#environment.getReadings(
          { series: name, ...range },
          null,
          loading.signal,
        );
        const known = this.#series.get(name);
        if (!body || !known || loading.signal.aborted) return;
        if (view.kind === 'fixed') {
          known.fixed.clear();
          known.fixed.addHistory(pointsOf(body));
        } else this.#takeHistory(known, body);
        this.#linesChanged();
      }),
    );
    if (loading.signal.aborted) return;
    const failed = results.find((result) => result.status === 'rejected');
    this.#change({
      history: failed ? 'failed' : 'loaded',
      historyError: failed?.reason ?? null,
    });
    if (view.kind === 'live') {
      this.#settleFrom = Math.min(this.#settleFrom ?? now, now);
      this.#settleSoon();
    }
  }

  #takeHistory(known: Known, body: Readings): void {
    if (known.bucket !== body.bucket) known.buffer.clearHistory();
    known.bucket = body.bucket;
    const points = pointsOf(body);
    known.buffer.addHistory(points);
    const newest = points.at(-1);
    // The start of a bucket is not the time of its reading, but better than an older one.
    if (newest && (!known.latest || newest.at > known.latest.at))
      known.latest = { at: newest.at, value: newest.last };
  }

  /** Loads the end of the history again: what was stored while it was loaded or the connection was lost. */
  #settleSoon(): void {
    this.#after(settleMs, () => {
      const from = this.#settleFrom;
      this.#settleFrom = null;
      if (from !== null && !this.#environment.isHidden())
        for (const { name, known } of this.#drawn()) void this.#reload(name, known, from);
    });
  }

  async #reload(series: string, known: Known, from: number, to?: number): Promise<void> {
    const { bucket, buffer } = known;
    if (bucket === undefined) return;
    const start = from - 2 * bucketMs(bucket);
    const { signal } = this.#loading ?? new AbortController();
    try {
      const { body } = await this.#environment.getReadings(
        { series, bucket, from: toInstant(start), ...(to !== undefined && { to: toInstant(to) }) },
        null,
        signal,
      );
      if (!body || signal.aborted) return;
      buffer.addHistory(pointsOf(body));
      this.#linesChanged();
    } catch {
      // What was loaded before stays; the connection word says if the server does not answer.
    }
  }

  /** Loads units and latest values. */
  async #loadDetails(): Promise<void> {
    try {
      await this.#readList(new Set(this.#series.keys()), new AbortController().signal);
      this.#updateRows();
    } catch {
      // The rows have their values without units; history and connection say that something failed.
    }
  }

  /** Reads the list of series until it has had all of them. */
  async #readList(missing: Set<string>, signal: AbortSignal): Promise<void> {
    // A few names are found sooner one by one.
    const searches: (string | undefined)[] = missing.size <= 4 ? [...missing] : [undefined];
    for (const search of searches) {
      let cursor: string | undefined;
      for (let page = 0; page < maxListPages; page++) {
        const query = {
          limit: 200,
          ...(search !== undefined && { search }),
          ...(cursor !== undefined && { cursor }),
        };
        const key = JSON.stringify(query);
        const { body, etag } = await this.#environment.listSeries(
          query,
          this.#etags.get(key) ?? null,
          signal,
        );
        if (etag !== null) this.#etags.set(key, etag);
        if (!body) break;
        for (const item of body.items) {
          const known = this.#series.get(item.series);
          if (!known) continue;
          missing.delete(item.series);
          known.unit = item.unit;
          const latest = latestOf(item);
          if (latest && (!known.latest || latest.at >= known.latest.at)) known.latest = latest;
        }
        if (body.nextCursor === null || missing.size === 0) break;
        cursor = body.nextCursor;
      }
    }
  }

  #startPolling(): void {
    if (this.#isPolling) return;
    this.#isPolling = true;
    this.#poll();
  }

  #stopPolling(): void {
    this.#isPolling = false;
    if (this.#pollTimer !== null) clearTimeout(this.#pollTimer);
    this.#pollTimer = null;
    this.#etags.clear();
  }

  /** Asks for the newest readings, and again after an interval. A hidden tab asks when it is shown. */
  #poll(): void {
    if (this.#pollTimer !== null) clearTimeout(this.#pollTimer);
    this.#pollTimer = null;
    if (this.#environment.isHidden()) return;
    // An address changes with each new reading.
    if (this.#etags.size > maxEtags) this.#etags.clear();
    this.#pollTimer = setTimeout(() => this.#poll(), pollMs);
    const signal = AbortSignal.timeout(pollMs * 2);
    const lines = this.#drawn();
    for (const { name, known } of lines) void this.#pollLine(name, known, signal);
    const others = [...this.#series.keys()].filter(
      (series) => !lines.some(({ name }) => name === series),
    );
    if (others.length > 0)
      void this.#readList(new Set(others), signal).then(
        () => this.#updateRowsSoon(),
        () => undefined,
      );
  }

  async #pollLine(series: string, known: Known, signal: AbortSignal): Promise<void> {
    const { buffer, bucket } = known;
    const now = this.#environment.now();
    const windowMs = this.#view.kind === 'live' ? this.#view.windowMs : 900_000;
    // The same address until there is something new, so that the answer is 304.
    const newestBucket = buffer.points.findLast((point) => point.bucketMs > 0);
    const from = Math.max(newestBucket?.at ?? 0, now - windowMs);
    const query = {
      series,
      from: toInstant(newestBucket ? from : Math.floor(from / 60_000) * 60_000),
      ...(bucket !== undefined && { bucket }),
    };
    const key = JSON.stringify(query);
    try {
      const { body, etag } = await this.#environment.getReadings(
        query,
        this.#etags.get(key) ?? null,
        signal,
      );
      if (!this.#isPolling) return;
      if (etag !== null) this.#etags.set(key, etag);
      if (!body) return;
      const before = buffer.newest?.at ?? 0;
      this.#takeHistory(known, body);
      const added = buffer.points.filter(({ at }) => at > before).length;
      const { paused } = this.#state;
      if (paused)
        this.#state = {
          ...this.#state,
          paused: { ...paused, newReadings: paused.newReadings + added },
        };
      this.#isDirty = true;
      this.#updateRowsSoon();
    } catch {
      // The next poll asks again.
    }
  }

  /** Drops what the chart no longer shows, and loads buckets again that got late readings. */
  #maintain(): void {
    const { windowMs } = this.#view.kind === 'live' ? this.#view : { windowMs: null };
    for (const [name, known] of this.#series) {
      if (windowMs !== null) known.buffer.dropBefore(this.#environment.now() - windowMs);
      const stale = known.slot === null ? null : known.buffer.takeStale();
      if (stale && !this.#environment.isHidden())
        void this.#reload(name, known, stale.from, stale.to);
    }
  }

  #linesChanged(): void {
    this.#isDirty = true;
    this.#updateRows();
  }

  #updateRowsSoon(): void {
    this.#rowsTimer ??= setTimeout(() => this.#updateRows(), rowsMs);
  }

  #updateRows(): void {
    if (this.#rowsTimer !== null) clearTimeout(this.#rowsTimer);
    this.#rowsTimer = null;
    const connection = this.#connectionOf(this.#environment.socket.state);
    if (this.#state.paused) {
      // Only the lines may change: the user has hidden one, or added a series.
      const before = new Map(this.#state.rows.map((row) => [row.series, row]));
      const rows = [...this.#series].map(([series, known]) => {
        const row = before.get(series);
        return row ? { ...row, unit: known.unit, slot: known.slot } : rowOf(series, known);
      });
      this.#change({ connection, rows });
    } else
      this.#change({
        connection,
        rows: [...this.#series].map(([series, known]) => rowOf(series, known)),
        now: this.#environment.now(),
      });
  }

  #change(change: Partial<FeedState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }

  #after(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    this.#timers.add(timer);
  }

  #every(ms: number, action: () => void): void {
    this.#after(ms, () => {
      action();
      this.#every(ms, action);
    });
  }
}

const rowOf = (series: string, { unit, latest, buffer, slot }: Known): Row => ({
  series,
  unit,
  latest,
  intervalMs: intervalOf(buffer.points),
  slot,
});

const latestOf = ({ latest }: SeriesItem): Latest | null =>
  latest && { at: parseInstant(latest.at), value: latest.value };

/** Returns the points of an answer that have values. */
function pointsOf({ bucket, points }: Readings): Point[] {
  const length = bucketMs(bucket);
  return points.flatMap(({ at, min, max, avg, last, count }) =>
    min === null || max === null || avg === null
      ? []
      : [{ at: parseInstant(at), min, max, avg, last: last ?? avg, count, bucketMs: length }],
  );
}
