import { catalogue } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { chooseUnit } from '../scheduling/queue-order.ts';
import { thresholds } from './thresholds.ts';

/** Ages in seconds, null where there is nothing to be old. */
export interface CatalogueMeasures {
  /** The oldest message of the outbox that was not sent. */
  unsentSeconds: number | null;
  /** Messages set aside lately because they can never be sent, at most `mostCounted`. */
  setAside: number;
  /** How long the unit has waited that could run now, while nothing is given out. */
  waitingSeconds: number | null;
  /** The unit that was given out longest ago and that no worker has begun. */
  untakenSeconds: number | null;
  /** The end of the last pass of the sweep. */
  sweepSeconds: number | null;
  slots: number;
  closedSlots: number;
  /** Messages sent to the dead-letter topics lately, at most `mostCounted`. */
  deadLetters: number;
}

/** Counting goes no further: it says that there are many. */
const mostCounted = 1_000;
/** A slot may be free for as long as it takes to give it to the next. */
const handoverSeconds = 15;

/** Every part of it is one step into an index, or bounded. */
const measure = `
  select
    (select extract(epoch from now() - created_at)::integer from outbox
      where sent_at is null and failed_at is null order by created_at limit 1) as "unsentSeconds",
    (select count(*) from (select 1 from outbox
      where failed_at > now() - interval '${thresholds.setAsideSeconds} seconds'
      limit ${mostCounted}) aside) as "setAside",
    not exists (
      select 1 from slots where last_used_at > now() - interval '${thresholds.waitingSeconds} seconds'
    ) and not exists (
      select 1 from attempts
      where cleared_at is null and not kept and ended_at > now() - interval '${handoverSeconds} seconds'
    ) as "nothingIsGivenOut",
    (select extract(epoch from now() - min(o.sent_at))::integer
      from units u join outbox o on o.dispatch_id = u.dispatch_id
      where u.state = 'dispatched') as "untakenSeconds",
    (select extract(epoch from now() - ended_at)::integer from sweep_passes) as "sweepSeconds",
    (select count(*) from slots) as slots,
    (select count(*) from slots where closed_until > now()) as "closedSlots",
    (select count(*) from (select 1 from outbox
      where topic like '%.dlq' and created_at > now() - interval '${thresholds.deadLetterSeconds} seconds'
      limit ${mostCounted}) letters) as "deadLetters"`;

/** Throws if the catalogue does not answer. */
export async function pingCatalogue(): Promise<void> {
  await catalogue().query('select 1');
}

/** The unit that dispatch would give out now. While it does its work there is none: it is given out. */
const waiting = `
  select extract(epoch from now() - greatest(u.created_at, u.not_before))::integer as seconds
  from (${chooseUnit}) chosen join units u on u.id = chosen.unit_id`;

/** Throws if the catalogue does not answer. */
export async function measureCatalogue(): Promise<CatalogueMeasures> {
  const { rows } = await catalogue().query<
    Omit<CatalogueMeasures, 'waitingSeconds'> & { nothingIsGivenOut: boolean }
  >(measure);
  const [measured] = rows;
  if (measured === undefined) throw new Error('the catalogue gave no answer about health');
  const { nothingIsGivenOut, ...rest } = measured;
  return { ...rest, waitingSeconds: nothingIsGivenOut ? await waitingSeconds() : null };
}

async function waitingSeconds(): Promise<number | null> {
  const { sources, runningExportsPerAccount } = config();
  const budgets = Object.fromEntries(
    [...sources].map(([name, { maxConnections }]) => [name, maxConnections]),
  );
  const { rows } = await catalogue().query<{ seconds: number }>(waiting, [
    JSON.stringify(budgets),
    runningExportsPerAccount,
    [],
  ]);
  return rows[0]?.seconds ?? null;
}
