import { partitionOf, send } from '../../../lib/messaging/kafka.ts';
import { topics } from '../../../lib/messaging/topics.ts';
import { errorMessage } from '../../../lib/runtime/errors.ts';
import { sleep } from '../../../lib/runtime/retry.ts';
import type { SimulationOptions } from './options.ts';
import { Simulation } from './simulation.ts';

const topic = topics.readings.name;
const tickMs = 100;
const retryMs = 1_000;
const maxBatchRecords = 2_000;
/** A reading that could not be sent for this time, as Kafka was away or too slow, is given up. */
const maxDelaySeconds = 60;

interface Message {
  key: Buffer;
  value: Buffer;
  headers: [];
}

interface Counts {
  good: number;
  late: number;
  bad: number;
  /** Not sent: their series was silent. */
  silent: number;
  /** Not sent: Kafka was away or too slow. */
  givenUp: number;
}

/**
 * Sends readings at the given rate until the time is over or `signal` aborts. Prints the achieved rate each second and a
 * sum at the end. If Kafka does not answer, it tries again until it does. Never throws for that.
 */
export async function runSimulation(
  options: SimulationOptions,
  signal: AbortSignal,
  print: (line: string) => void,
): Promise<void> {
  const simulation = new Simulation(options);
  const counts: Counts = { good: 0, late: 0, bad: 0, silent: 0, givenUp: 0 };
  const total =
    options.seconds === undefined ? Infinity : Math.round(options.seconds * options.rate);
  const startedAt = performance.now();
  const startMicros = Date.now() * 1_000;
  const elapsedSeconds = (): number => (performance.now() - startedAt) / 1_000;
  const ticker = options.quiet ? undefined : printRates(counts, elapsedSeconds, print);
  try {
    for (let next = 0; next < total && !signal.aborted; ) {
      const due = Math.min(total, Math.floor(elapsedSeconds() * options.rate) + 1);
      const oldest = Math.max(0, due - Math.ceil(maxDelaySeconds * options.rate));
      if (next < oldest) {
        counts.givenUp += oldest - next;
        next = oldest;
      }
      const end = Math.min(due, next + maxBatchRecords);
      const records = [];
      for (let number = next; number < end; number++) {
        const record = simulation.record(
          number,
          startMicros + Math.floor((number * 1e6) / options.rate),
        );
        if (record) records.push(record);
      }
      if (!(await deliver(records, signal, print))) break;
      for (const { kind } of records) counts[kind]++;
      counts.silent += end - next - records.length;
      next = end;
      if (end === due && next < total)
        await pause(nextTickMs(next, options.rate, elapsedSeconds()), signal);
    }
  } finally {
    clearInterval(ticker);
    print(summaryOf(options, counts, elapsedSeconds()));
  }
}

/** Returns how long to wait until at least one more reading is due. */
const nextTickMs = (next: number, rate: number, elapsed: number): number =>
  Math.max(tickMs, (next / rate - elapsed) * 1_000);

/** Sends records until Kafka has stored them. Returns false if the signal aborts before. */
async function deliver(
  records: readonly { series: string; value: string }[],
  signal: AbortSignal,
  print: (line: string) => void,
): Promise<boolean> {
  const messages = records.map(
    ({ series, value }): Message => ({
      key: Buffer.from(series),
      value: Buffer.from(value),
      headers: [],
    }),
  );
  for (const [partition, share] of Map.groupBy(messages, ({ key }) => partitionOf(topic, key)))
    if (!(await deliverTo(partition, share, signal, print))) return false;
  return true;
}

async function deliverTo(
  partition: number | null,
  messages: readonly Message[],
  signal: AbortSignal,
  print: (line: string) => void,
): Promise<boolean> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      await unlessAborted(send('readings', topic, partition, messages), signal);
      if (failures > 0) print('Kafka answers again');
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (failures === 0) print(`Kafka does not answer, trying again: ${errorMessage(error)}`);
      await pause(retryMs, signal);
    }
  }
  return false;
}

/** Waits for the work. Throws the signal's reason as soon as it aborts, whatever becomes of the work. */
function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Waits, or until the signal aborts. */
const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  sleep(milliseconds, signal).catch(() => undefined);

const sentOf = ({ good, late, bad }: Counts): number => good + late + bad;

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');

function printRates(
  counts: Counts,
  elapsedSeconds: () => number,
  print: (line: string) => void,
): NodeJS.Timeout {
  let before = { sent: 0, seconds: 0 };
  return setInterval(() => {
    const now = { sent: sentOf(counts), seconds: elapsedSeconds() };
    const rate = (now.sent - before.sent) / (now.seconds - before.seconds);
    print(`${now.seconds.toFixed(0).padStart(6)} s  ${whole(rate).padStart(8)} readings/s`);
    before = now;
  }, 1_000);
}

function summaryOf({ series }: SimulationOptions, counts: Counts, seconds: number): string {
  const sent = sentOf(counts);
  const parts = [
    `sent ${whole(sent)} records of ${whole(series)} series in ${seconds.toFixed(1)} s (${whole(sent / seconds)}/s)`,
    `${whole(counts.late)} late`,
    `${whole(counts.bad)} bad`,
    `${whole(counts.silent)} left out as gaps`,
  ];
  if (counts.givenUp > 0)
    parts.push(`${whole(counts.givenUp)} not sent, Kafka was away or too slow`);
  return parts.join(', ');
}
