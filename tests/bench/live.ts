import { setTimeout } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { stopIdlePolling } from '../../lib/messaging/kafkajs-patch.ts';
import { newAccount } from '../support/accounts.ts';
import { liveTicket, openSocket, ownSeries } from '../support/live-client.ts';
import { stack } from '../support/stack.ts';
import { cpuSecondsOfStack } from './machine.ts';

/**
 * How long a reading takes from Kafka to a socket, and what the fan-out costs: 1,000 readings a second of 100 series,
 * and 1, 10 and 50 sockets that subscribe to all of them. The clock is that of this process, which sends and receives.
 */
const seriesCount = 100;
const perSecond = 1_000;
const socketCounts = [1, 10, 50];
const seconds = 15;
const warmUpSeconds = 10;
/** With the largest number of sockets. */
const maxP99Ms = 500;

const everyMs = 20;

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1';
stopIdlePolling();
const { Kafka, logLevel } = kafkajs;

/** Latencies by whole milliseconds. */
class Latencies {
  readonly #counts: number[] = [];
  count = 0;

  add(ms: number): void {
    const index = Math.max(0, Math.floor(ms));
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.count++;
  }

  /** Returns the latency which this share of all does not exceed: 0.5 is the median. */
  quantile(share: number): number {
    let below = 0;
    for (const [ms, count = 0] of this.#counts.entries()) {
      below += count;
      if (below >= this.count * share) return ms;
    }
    return Number.NaN;
  }
}

type Item = [series: string, at: string, value: number];
/** A schema would take more time than the sockets. */
const isMessage = (value: unknown): value is { type: string; items?: Item[] } =>
  typeof value === 'object' && value !== null && 'type' in value;

const groups = { 'fan-out': /^live-fanout-/, gateway: /^functions$/, nginx: /^nginx$/ };
const cpuOfGroups = (): Promise<number[]> =>
  Promise.all(Object.values(groups).map(cpuSecondsOfStack));

async function measure(
  sockets: number,
): Promise<{ p50: number; p99: number; resyncs: number; cpu: string }> {
  const series = ownSeries(seriesCount);
  const accounts = [await newAccount(), await newAccount()];
  const latencies = new Latencies();
  let isMeasured = false;
  let resyncs = 0;
  const opened: WebSocket[] = [];
  for (let n = 0; n < sockets; n++) {
    const owner = accounts[n % accounts.length];
    const socket = await openSocket(await liveTicket(owner?.byKey));
    socket.addEventListener('message', ({ data }) => {
      const now = performance.now();
      const message: unknown = JSON.parse(String(data));
      if (!isMessage(message)) throw new Error(String(data));
      const { type, items = [] } = message;
      if (type === 'resync-required') resyncs++;
      if (isMeasured) for (const [, , sentAt] of items) latencies.add(now - sentAt);
    });
    socket.send(JSON.stringify({ action: 'subscribe', series }));
    opened.push(socket);
  }

  const producer = new Kafka({
    clientId: 'bench',
    brokers: stack.kafka.brokers,
    logLevel: logLevel.NOTHING,
  }).producer();
  await producer.connect();
  const startedAt = performance.now();
  const at = Date.now();
  let sent = 0;
  let before: number[] = [];
  let measuredAt = 0;
  while (performance.now() < startedAt + (warmUpSeconds + seconds) * 1_000) {
    const now = performance.now();
    if (!isMeasured && now > startedAt + warmUpSeconds * 1_000) {
      isMeasured = true;
      before = await cpuOfGroups();
      measuredAt = performance.now();
    }
    const due = Math.floor(((now - startedAt) / 1_000) * perSecond);
    const messages = Array.from({ length: due - sent }, (_, n) => {
      const name = series[(sent + n) % seriesCount] ?? '';
      return { key: name, value: JSON.stringify({ series: name, at: at + sent + n, value: now }) };
    });
    sent = due;
    if (messages.length > 0) await producer.send({ topic: 'readings', messages, acks: 1 });
    await setTimeout(everyMs);
  }
  const elapsed = (performance.now() - measuredAt) / 1_000;
  const after = await cpuOfGroups();
  await setTimeout(2_000);
  await producer.disconnect();
  for (const socket of opened) socket.close();
  const cpu = Object.keys(groups)
    .map((name, n) => `${name} ${(((after[n] ?? 0) - (before[n] ?? 0)) / elapsed).toFixed(2)}`)
    .join(', ');
  return { p50: latencies.quantile(0.5), p99: latencies.quantile(0.99), resyncs, cpu };
}

/** Returns whether the latency is within its limit. */
export async function measureLive(): Promise<boolean> {
  console.log(`${perSecond} readings/s of ${seriesCount} series, ${seconds} s each`);
  let last = Number.NaN;
  for (const sockets of socketCounts) {
    const { p50, p99, resyncs, cpu } = await measure(sockets);
    console.log(
      `${sockets} sockets: p50 ${p50} ms, p99 ${p99} ms, ${resyncs} times slow; CPU, cores: ${cpu}`,
    );
    last = p99;
  }
  console.log(`p99 with ${socketCounts.at(-1)} sockets: ${last} ms (at most ${maxP99Ms} ms)`);
  return last <= maxP99Ms;
}
