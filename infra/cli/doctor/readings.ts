/** Checks the store of readings (progress of ingest, partitions) and the connections that follow it live. */
import { thresholds } from '../../../lib/health/thresholds.ts';
import { type StoreState, storeState } from '../../../lib/ingest/store-state.ts';
import { writer } from '../../../lib/ingest/writer.ts';
import { measureConnections } from '../../../lib/live/measure-connections.ts';
import { config } from '../../../lib/runtime/config.ts';
import type { Home } from '../../local/home/home.ts';
import { type Check, count, type DoctorFinding, fail, ok, warn } from './check.ts';

/** A few readings of distant months may stay there; the sweep gives a month with 10,000 of them its own partition. */
const manyMisplaced = 50_000;

/** Returns no check if this deployment has no readings. */
export function readingsChecks(home: Home): Check[] {
  if (config().readings === undefined) return [];
  return [
    {
      name: 'readings',
      run: checkStore,
      fix: `readings wait in Kafka until the database answers; see ${home.logs}/postgres.log`,
    },
    {
      name: 'live connections',
      run: async () => [await checkConnections(home)],
      fix: `live readings wait until the catalogue answers; see ${home.logs}/postgres.log`,
    },
  ];
}

interface ProgressRow {
  topic: string;
  partition: number;
  epoch: number;
  seconds: number;
}

async function checkStore(): Promise<DoctorFinding[]> {
  const { rows } = await writer().query<ProgressRow>(
    `select distinct on (p.topic, p.partition) p.topic, p.partition, p.epoch,
       extract(epoch from now() - p.updated_at)::integer as seconds
     from public.ingest_progress p order by p.topic, p.partition, p.epoch desc`,
  );
  return [...progressFindings(rows), ...storeFindings(await storeState(writer()))];
}

/** One finding for each topic. An old commit is no problem by itself: the checks "group" have the lag. */
function progressFindings(rows: readonly ProgressRow[]): DoctorFinding[] {
  if (rows.length === 0) return [ok('progress', 'no reading was stored yet')];
  return [...Map.groupBy(rows, ({ topic }) => topic)].map(([topic, partitions]) => {
    const ages = partitions
      .map(({ partition, seconds }) => `${partition}: ${seconds} s`)
      .join(', ');
    const epoch = Math.max(...partitions.map((row) => row.epoch));
    return ok(`progress ${topic}`, `epoch ${epoch}, age of the last commit by partition ${ages}`);
  });
}

function storeFindings({
  readingsInDefaultPartition: misplaced,
  monthsAhead,
  monthsWithoutRollups,
}: StoreState): DoctorFinding[] {
  const partitions = 'partitions of readings';
  return [
    monthsAhead > 0
      ? ok(partitions, `${count(monthsAhead, 'month')} ahead`)
      : warn(partitions, 'none for the next month', 'the sweep creates it: see its errors'),
    misplaced < manyMisplaced
      ? ok('default partition', count(misplaced, 'reading'))
      : warn(
          'default partition',
          `${count(misplaced, 'reading')} of months without a partition`,
          'the sweep moves months with many of them into partitions of their own: see its errors',
        ),
    ok(
      'rollups',
      monthsWithoutRollups === 0
        ? 'complete'
        : `the sweep still computes those of ${count(monthsWithoutRollups, 'month')}`,
    ),
  ];
}

async function checkConnections(home: Home): Promise<DoctorFinding> {
  const { connections, slow, unsentSeconds } = await measureConnections();
  const detail = `${count(connections, 'connection')}, ${slow} too slow for their messages`;
  if (unsentSeconds === null || unsentSeconds < thresholds.fanOutSeconds)
    return ok('live connections', detail);
  return fail(
    'live connections',
    `${detail}; readings wait for ${unsentSeconds} s to be sent`,
    `see which process holds the lock of the sender in pg_locks (locktype advisory), and "live" in ${home.logs}/functions.log`,
  );
}
