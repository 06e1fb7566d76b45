import type { HealthProblem } from '../contracts/health.ts';
import type { ConsumerLag } from '../messaging/consumers.ts';
import type { CatalogueMeasures } from './measure-catalogue.ts';
import { thresholds } from './thresholds.ts';

/**
 * What is wrong, in words for everybody: ages, and how many slots of ours, but no counts of what others do.
 * Undefined is what could not be asked for.
 */
export function findProblems(measured: {
  kafkaIsDown: boolean;
  storageIsDown: boolean;
  catalogue: CatalogueMeasures | undefined;
  consumers: readonly ConsumerLag[] | undefined;
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
      message: 'The catalogue answers too slowly to say whether work waits.',
    });
  else problems.push(...problemsOfCatalogue(catalogue));
  return [...problems, ...consumers.flatMap(problemsOfConsumer)];
}

function problemsOfCatalogue(it: CatalogueMeasures): HealthProblem[] {
  const problems: HealthProblem[] = [];
  const { unsentSeconds, waitingSeconds, untakenSeconds, sweepSeconds } = it;
  if (unsentSeconds !== null && unsentSeconds >= thresholds.unsentSeconds)
    problems.push({
      code: 'outbox_waiting',
      message: `Messages wait to be sent to Kafka, the oldest for ${duration(unsentSeconds)}. Exports start late and events come late.`,
    });
  if (it.setAside > 0)
    problems.push({
      code: 'outbox_set_aside',
      message: 'Messages that cannot be sent were set aside recently.',
    });
  if (waitingSeconds !== null && waitingSeconds >= thresholds.waitingSeconds)
    problems.push({
      code: 'exports_waiting',
      message: `An export that could run has waited for ${duration(waitingSeconds)}.`,
    });
  if (untakenSeconds !== null && untakenSeconds >= thresholds.untakenSeconds)
    problems.push({
      code: 'workers_away',
      message: `No worker has started an export that was handed out ${duration(untakenSeconds)} ago.`,
    });
  if (sweepSeconds === null || sweepSeconds >= thresholds.sweepSeconds)
    problems.push({
      code: 'sweep_away',
      message: `The sweep has not run ${sweepSeconds === null ? 'yet' : `for ${duration(sweepSeconds)}`}. Lost work is not taken up again.`,
    });
  if (it.slots > 0 && it.closedSlots >= it.slots * thresholds.closedSlots)
    problems.push({
      code: 'slots_closed',
      message: `${it.closedSlots} of ${it.slots} slots are closed because their workers were lost. Exports start late.`,
    });
  if (it.deadLetters >= thresholds.deadLetters)
    problems.push({
      code: 'dead_letters',
      message: 'Many messages could not be processed recently.',
    });
  return problems;
}

function problemsOfConsumer(it: ConsumerLag): HealthProblem[] {
  if (it.messages === 0) return [];
  if (!it.hasMembers)
    return [{ code: 'consumers_away', message: `Nothing reads the topic ${it.topic}.` }];
  if (it.staleMessages === 0 && it.messages < thresholds.messages) return [];
  return [
    { code: 'consumers_behind', message: `Messages of the topic ${it.topic} wait too long.` },
  ];
}

/** "30 seconds", "2 minutes", "1 hour": rounded down. */
export function duration(seconds: number): string {
  const units = [
    [3_600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ] as const;
  const [size, name] = units.find(([least]) => seconds >= least) ?? [1, 'second'];
  const count = Math.floor(seconds / size);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
