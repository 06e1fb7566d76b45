/** What stands still, by the measures and thresholds of GET /health, and what to do about it. */
import type { HealthProblem } from '../../../lib/contracts/health.ts';
import { measureOurConsumers } from '../../../lib/health/check-health.ts';
import { findProblems } from '../../../lib/health/find-problems.ts';
import { measureCatalogue } from '../../../lib/health/measure-catalogue.ts';
import { checkStorage } from '../../../lib/storage/s3.ts';
import type { Home } from '../home.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';

export function healthCheck(home: Home): Check {
  return {
    name: 'health',
    look: async () => {
      const [catalogue, consumers, storage] = await Promise.allSettled([
        measureCatalogue(),
        measureOurConsumers(),
        checkStorage(),
      ]);
      // The check of the catalogue says that it is away; one that is slow ends this check by its time.
      if (catalogue.status === 'rejected') throw catalogue.reason;
      const problems = findProblems({
        catalogue: catalogue.value,
        kafkaIsDown: consumers.status === 'rejected',
        storageIsDown: storage.status === 'rejected',
        consumers: consumers.status === 'fulfilled' ? consumers.value : undefined,
      });
      if (problems.length > 0) return problems.map((problem) => findingOf(problem, home));
      const { sweepSeconds } = catalogue.value;
      return [ok('health', `nothing stands still; the sweep came by ${sweepSeconds} s ago`)];
    },
    todo: `see ${home.logs}/postgres.log`,
  };
}

/** Those mend themselves, or are the senders' affair; somebody should know of them. */
const mild = new Set<HealthProblem['code']>(['slots_closed', 'dead_letters']);

function findingOf({ code, message }: HealthProblem, home: Home): Finding {
  const name = `health ${code}`;
  const todo = todos[code](home.logs);
  return mild.has(code) ? warn(name, message, todo) : fail(name, message, todo);
}

const todos: Record<HealthProblem['code'], (logs: string) => string> = {
  kafka_down: (logs) => `start it again with the stack; see ${logs}/kafka.log`,
  storage_down: (logs) => `start it again with the stack; see ${logs}/localstack.log`,
  catalogue_slow: (logs) => `see what it does in pg_stat_activity, and ${logs}/postgres.log`,
  outbox_waiting: (logs) =>
    `they are sent when Kafka takes them; why it does not: "relay" in ${logs}/functions.log, and kafka.log`,
  outbox_set_aside: () =>
    'select id, topic, failed_at from outbox where failed_at is not null; what they told of is in the exports themselves',
  exports_waiting: (logs) =>
    `see "dispatch failed" in ${logs}/functions.log, and who holds its lock in pg_locks (locktype advisory)`,
  workers_away: (logs) =>
    `they are handed out again after a minute; see the check processes and ${logs}/functions.log`,
  sweep_away: (logs) =>
    `see "sweep" in ${logs}/functions.log; on AWS, whether its schedule is enabled. Stop the stack and start it again`,
  consumers_away: (logs) => `see ${logs}/functions.log; stop the stack and start it again`,
  consumers_behind: (logs) =>
    `look for the batch that is tried again and again in ${logs}/functions.log`,
  slots_closed: () => 'they open by themselves, at once when their partition is delivered again',
  dead_letters: () =>
    'read the topics *.dlq: the headers reason, topic, partition and offset say why and whence',
};
