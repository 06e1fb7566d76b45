import { topics } from '../messaging/topics.ts';
import { catalogue } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { selectNextUnitSql } from '../scheduling/queue-order.ts';
import { thresholds } from './thresholds.ts';

/** Ages are in seconds, null if there is nothing to measure. */
export interface CatalogueMeasures {
  /** Age of the oldest unsent message of the outbox. */
  unsentSeconds: number | null;
  /** Messages set aside within `thresholds.setAsideSeconds` because Kafka rejects them, at most `maxCounted`. */
  setAside: number;
  /** Wait of the unit that could run now, while no unit is being dispatched. */
  waitingSeconds: number | null;
  /** Time since the oldest dispatch that no worker has claimed. */
  unclaimedSeconds: number | null;
  /** Time since the end of the last pass of the sweep. */
  sweepSeconds: number | null;
  slots: number;
  closedSlots: number;
  /**
   * Messages sent to the dead letter topics of exports within `thresholds.deadLetterSeconds`, of the latest
   * `maxCounted` dead letters.
   */
  deadLetters: number;
  /** The same for all other dead letter topics, which are those of readings. */
  rejectedReadings: number;
}

/** Counts stop here, which bounds their cost. */
const maxCounted = 1_000;
/** A slot may be free for this long between two units. */
const handoverSeconds = 15;

const deadLettersOfExports = [
  topics.requestedDeadLetters,
  topics.workDeadLetters,
  topics.deliveriesDeadLetters,
]
  .map(({ name }) => `'${name}'`)
  .join(', ');

/** The latest ones: a flood of rejected readings costs no more, and is itself a problem that is reported. */
const latestDeadLetters = `select topic from outbox
  where topic like '%.dlq' and created_at > now() - interval '${thresholds.deadLetterSeconds} seconds'
  order by created_at desc limit ${maxCounted}`;

/** Every subquery is a single index lookup or is bounded. */
const measure = `
  select
    (select extract(epoch from now() - created_at)::integer from outbox
      where sent_at is null and failed_at is null order by created_at limit 1) as "unsentSeconds",
    (select count(*) from (select 1 from outbox
      where failed_at > now() - interval '${thresholds.setAsideSeconds} seconds'
      limit ${maxCounted}) aside) as "setAside",
    not exists (
      select 1 from slots where last_used_at > now() - interval '${thresholds.waitingSeconds} seconds'
    ) and not exists (
      select 1 from attempts
      where cleared_at is null and not kept and ended_at > now() - interval '${handoverSeconds} seconds'
    ) as "dispatchIsIdle",
    (select extract(epoch from now() - min(o.sent_at))::integer
      from units u join outbox o on o.dispatch_id = u.dispatch_id
      where u.state = 'dispatched') as "unclaimedSeconds",
    (select extract(epoch from now() - ended_at)::integer from sweep_passes) as "sweepSeconds",
    (select count(*) from slots) as slots,
    (select count(*) from slots where closed_until > now()) as "closedSlots",
    (select count(*) from (${latestDeadLetters}) letters
      where letters.topic in (${deadLettersOfExports})) as "deadLetters",
    (select count(*) from (${latestDeadLetters}) letters
      where letters.topic not in (${deadLettersOfExports})) as "rejectedReadings"`;

/** Throws if the catalogue does not answer. */
export async function pingCatalogue(): Promise<void> {
  await catalogue().query('select 1');
}

/** Age of the unit that dispatch would choose now. No row while dispatch works, because it dispatches such a unit. */
const waiting = `
  select extract(epoch from now() - greatest(u.created_at, u.not_before))::integer as seconds
  from (${selectNextUnitSql}) chosen join units u on u.id = chosen.unit_id`;

/** Throws if the catalogue does not answer. */
export async function measureCatalogue(): Promise<CatalogueMeasures> {
  const { rows } = await catalogue().query<
    Omit<CatalogueMeasures, 'waitingSeconds'> & { dispatchIsIdle: boolean }
  >(measure);
  const [measured] = rows;
  if (measured === undefined) throw new Error('the health query returned no row');
  const { dispatchIsIdle, ...rest } = measured;
  return { ...rest, waitingSeconds: dispatchIsIdle ? await waitingSeconds() : null };
}

async function waitingSeconds(): Promise<number | null> {
  const { sources, maxRunningExportsPerAccount } = config();
  const budgets = Object.fromEntries(
    [...sources].map(([name, { maxConnections }]) => [name, maxConnections]),
  );
  const { rows } = await catalogue().query<{ seconds: number }>(waiting, [
    JSON.stringify(budgets),
    maxRunningExportsPerAccount,
    [],
  ]);
  return rows[0]?.seconds ?? null;
}
