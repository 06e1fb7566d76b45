/** Finds what has stopped, by the measures and thresholds of GET /health, and says what to do about it. */
import type { HealthProblem } from '../../../lib/contracts/health.ts';
import { findProblems } from '../../../lib/health/find-problems.ts';
import { measureCatalogue } from '../../../lib/health/measure-catalogue.ts';
import { measureOurConsumers } from '../../../lib/health/our-consumers.ts';
import { checkStorage } from '../../../lib/storage/s3.ts';
import type { Home } from '../../local/home/home.ts';
import { type Check, type DoctorFinding, fail, ok, warn } from './check.ts';

export function healthCheck(home: Home): Check {
  return {
    name: 'health',
    run: async () => {
      const [catalogue, consumers, storage] = await Promise.allSettled([
        measureCatalogue(),
        measureOurConsumers(),
        checkStorage(),
      ]);
      // The check "catalogue" reports that it does not answer; a slow catalogue ends this check by its timeout.
      if (catalogue.status === 'rejected') throw catalogue.reason;
      const problems = findProblems({
        catalogue: catalogue.value,
        kafkaIsDown: consumers.status === 'rejected',
        storageIsDown: storage.status === 'rejected',
        consumers: consumers.status === 'fulfilled' ? consumers.value : undefined,
      });
      if (problems.length > 0) return problems.map((problem) => findingOf(problem, home));
      const { sweepSeconds } = catalogue.value;
      return [ok('health', `everything moves on; the last sweep was ${sweepSeconds} s ago`)];
    },
    fix: `see ${home.logs}/postgres.log`,
  };
}

/** Slots open by themselves; dead letters are for their senders to correct. */
const warnings = new Set<HealthProblem['code']>([
  'slots_closed',
  'dead_letters',
  'readings_rejected',
]);

function findingOf({ code, message }: HealthProblem, home: Home): DoctorFinding {
  const name = `health ${code}`;
  const fix = fixes[code](home.logs);
  return warnings.has(code) ? warn(name, message, fix) : fail(name, message, fix);
}

const fixes: Record<HealthProblem['code'], (logs: string) => string> = {
  kafka_down: (logs) => `stop the stack and start it again; see ${logs}/kafka.log`,
  storage_down: (logs) => `stop the stack and start it again; see ${logs}/localstack.log`,
  catalogue_slow: (logs) => `see pg_stat_activity for its queries, and ${logs}/postgres.log`,
  outbox_waiting: (logs) =>
    `they are sent when Kafka accepts them; for the error see "relay" in ${logs}/functions.log, and kafka.log`,
  outbox_set_aside: () =>
    'select id, topic, failed_at from outbox where failed_at is not null; the exports themselves have what the messages reported',
  exports_waiting: (logs) =>
    `see "dispatch failed" in ${logs}/functions.log, and which process holds its lock in pg_locks (locktype advisory)`,
  workers_away: (logs) =>
    `their units are dispatched again after a minute; see the check processes and ${logs}/functions.log`,
  sweep_away: (logs) =>
    `see "sweep" in ${logs}/functions.log; on AWS, whether its schedule is enabled. Stop the stack and start it again`,
  consumers_away: (logs) => `see ${logs}/functions.log; stop the stack and start it again`,
  consumers_behind: (logs) =>
    `find the batch that is retried again and again in ${logs}/functions.log`,
  slots_closed: () => 'they open by themselves, at once when their partition is delivered again',
  dead_letters: () =>
    'read the topics *.dlq: the header reason says why, topic, partition and offset say where each record was',
  readings_delayed: (logs) =>
    `find the batch that is retried again and again, or the slow database, in ${logs}/functions.log; see the checks "group" for the lag`,
  readings_rejected: () =>
    'read the dead letter topics of readings: the header reason says why; correct the producer or the pipeline, then send the bytes again',
  deliveries_delayed: (logs) =>
    `see "record-delivery" in ${logs}/functions.log, and the check "group" for the lag; exports stay in the lists of their owners until then`,
  live_delayed: (logs) =>
    `see "live-fanout" in ${logs}/functions.log, and the check "live connections"; pages catch up by themselves`,
};
