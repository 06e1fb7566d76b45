import type { HealthProblem } from '../contracts/health.ts';
import type { CatalogueMeasures } from './measure-catalogue.ts';
import type { OurConsumerLag } from './our-consumers.ts';
import { thresholds } from './thresholds.ts';

/**
 * Returns the problems as public texts: they contain ages and the number of slots, but no counts of what accounts do.
 * A measure is undefined if its component did not answer.
 */
export function findProblems(measured: {
  kafkaIsDown: boolean;
  storageIsDown: boolean;
  catalogue: CatalogueMeasures | undefined;
  consumers: readonly OurConsumerLag[] | undefined;
}): HealthProblem[] {
  const { kafkaIsDown, storageIsDown, catalogue, consumers = [] } = measured;
  const problems: HealthProblem[] = [];
  if (kafkaIsDown)
    problems.push({
      code: 'kafka_down',
      message: 'Kafka does not answer. Exports are accepted and start when it is back.',
    });
  if (storageIsDown)
    problems.push({
      code: 'storage_down',
      message: 'The object storage does not answer. Exports and downloads wait for it.',
    });
  if (catalogue === undefined)
    problems.push({
      code: 'catalogue_slow',
      message: 'The catalogue answers too slowly to measure waiting work.',
    });
  else problems.push(...problemsOfCatalogue(catalogue));
  return [...problems, ...consumers.flatMap(problemsOfConsumer)];
}

function problemsOfCatalogue(measures: CatalogueMeasures): HealthProblem[] {
  const problems: HealthProblem[] = [];
  const { unsentSeconds, waitingSeconds, unclaimedSeconds, sweepSeconds } = measures;
  if (unsentSeconds !== null && unsentSeconds >= thresholds.unsentSeconds)
    problems.push({
      code: 'outbox_waiting',
      message: `Messages wait to be sent to Kafka, the oldest for ${duration(unsentSeconds)}. Exports start late and events come late.`,
    });
  if (measures.setAside > 0)
    problems.push({
      code: 'outbox_set_aside',
      message: 'Kafka rejected messages recently. They were set aside.',
    });
  if (waitingSeconds !== null && waitingSeconds >= thresholds.waitingSeconds)
    problems.push({
      code: 'exports_waiting',
      message: `An export could run but has waited for ${duration(waitingSeconds)}.`,
    });
  if (unclaimedSeconds !== null && unclaimedSeconds >= thresholds.unclaimedSeconds)
    problems.push({
      code: 'workers_away',
      message: `An export was dispatched ${duration(unclaimedSeconds)} ago, but no worker has started it.`,
    });
  if (sweepSeconds === null || sweepSeconds >= thresholds.sweepSeconds)
    problems.push({
      code: 'sweep_away',
      message: `The sweep has not run ${sweepSeconds === null ? 'yet' : `for ${duration(sweepSeconds)}`}. Lost work is not restarted.`,
    });
  if (measures.slots > 0 && measures.closedSlots >= measures.slots * thresholds.closedSlots)
    problems.push({
      code: 'slots_closed',
      message: `${measures.closedSlots} of ${measures.slots} slots are closed because their workers were lost. Exports start late.`,
    });
  if (measures.deadLetters >= thresholds.deadLetters)
    problems.push({
      code: 'dead_letters',
      message: 'Many messages could not be processed recently.',
    });
  if (measures.rejectedReadings >= thresholds.deadLetters)
    problems.push({
      code: 'readings_rejected',
      message: 'Many readings could not be read recently. The others are stored.',
    });
  return problems;
}

function problemsOfConsumer(lag: OurConsumerLag): HealthProblem[] {
  if (lag.messages === 0) return [];
  if (lag.purpose !== 'exports') return problemsOfStream(lag);
  if (!lag.hasMembers)
    return [{ code: 'consumers_away', message: `No consumer reads the topic ${lag.topic}.` }];
  if (lag.staleMessages === 0 && lag.messages < thresholds.messages) return [];
  return [
    { code: 'consumers_behind', message: `Messages in the topic ${lag.topic} wait too long.` },
  ];
}

/** What is late if a consumer of a stream is, and since when that is a problem. */
const streams = {
  ingest: {
    code: 'readings_delayed',
    records: 'Readings',
    work: 'to be stored',
    afterSeconds: thresholds.ingestSeconds,
    away: (topic: string) => `No consumer stores the readings in the topic ${topic}.`,
  },
  'fan-out': {
    code: 'live_delayed',
    records: 'Readings',
    work: 'to be sent to the pages',
    afterSeconds: thresholds.fanOutSeconds,
    away: (topic: string) => `No consumer sends the readings in the topic ${topic} to the pages.`,
  },
  deliveries: {
    code: 'deliveries_delayed',
    records: 'Downloads',
    work: 'to be recorded',
    afterSeconds: thresholds.deliverySeconds,
    away: (topic: string) => `No consumer records the downloads in the topic ${topic}.`,
  },
} as const;

/** A stream may have any number of records in flight, so only their age counts. */
function problemsOfStream({ purpose, topic, hasMembers, staleMessages }: OurConsumerLag) {
  if (purpose === 'exports' || (hasMembers && staleMessages === 0)) return [];
  const { code, records, work, afterSeconds, away } = streams[purpose];
  const problem: HealthProblem = {
    code,
    message: hasMembers
      ? `${records} in the topic ${topic} wait for more than ${duration(afterSeconds)} ${work}.`
      : away(topic),
  };
  return [problem];
}

/** Returns a text such as "30 seconds", "2 minutes" or "1 hour", rounded down. */
export function duration(seconds: number): string {
  const units = [
    [3_600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ] as const;
  const [size, name] = units.find(([minSeconds]) => seconds >= minSeconds) ?? [1, 'second'];
  const count = Math.floor(seconds / size);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
