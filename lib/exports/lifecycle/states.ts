import type { PublicStatus } from '../contracts/export-document.ts';
import type { Queryable } from '../runtime/catalogue.ts';

/**
 * The states of an export and every legal move between them.
 *
 *   queued → dispatched → running → completing → ready → expired
 *
 * with `failed` and `cancelled` from any of the first four, and back to `queued` from the three after
 * it (the worker was lost, the attempt is to be made again, the next unit waits for a slot). A retry
 * by its owner (`retry.ts`) makes a new run of an export that has ended, which starts at `queued`.
 */
export const moves = {
  queued: ['dispatched', 'failed', 'cancelled'],
  dispatched: ['running', 'queued', 'failed', 'cancelled'],
  running: ['completing', 'dispatched', 'queued', 'failed', 'cancelled'],
  completing: ['ready', 'queued', 'failed', 'cancelled'],
  ready: ['expired'],
  failed: [],
  cancelled: [],
  expired: [],
} as const satisfies Record<string, readonly string[]>;

export type State = keyof typeof moves;

const isState = (text: string): text is State => Object.hasOwn(moves, text);
export const states = Object.keys(moves).filter(isState);

/** The states from which `to` may be entered. */
export function statesBefore(to: State): State[] {
  return states.filter((from) => moves[from].some((next) => next === to));
}

const publicNames: Record<State, PublicStatus> = {
  queued: 'queued',
  dispatched: 'queued',
  running: 'running',
  completing: 'running',
  ready: 'ready',
  failed: 'failed',
  cancelled: 'cancelled',
  expired: 'expired',
};

export const publicStatus = (state: State): PublicStatus => publicNames[state];

export const statesOf = (status: PublicStatus): State[] =>
  states.filter((state) => publicNames[state] === status);

/** Moves an export, if it stands where that is legal. Returns whether it moved. */
export async function move(client: Queryable, exportId: string, to: State): Promise<boolean> {
  const { rowCount } = await client.query(
    `update exports set state = $2,
       started_at = case when $2 = 'running' then coalesce(started_at, now()) else started_at end,
       finished_at = case when $2 in ('failed', 'cancelled') then now() else finished_at end
     where id = $1 and state = any($3)`,
    [exportId, to, statesBefore(to)],
  );
  // What it kept of its pieces nobody needs any more.
  if (rowCount === 1 && (to === 'failed' || to === 'cancelled'))
    await client.query('update attempts set kept = false where export_id = $1', [exportId]);
  return rowCount === 1;
}

/** The states in which units of an export may still be worked on. */
export const activeStates = [
  'queued',
  'dispatched',
  'running',
  'completing',
] as const satisfies State[];

/**
 * Puts an export that is under way where its units stand, after one of them was given out, taken or
 * given back. Between two units, with one of them given out, it is running all the same.
 */
export async function settle(client: Queryable, exportId: string): Promise<void> {
  await client.query(
    `update exports e set state = stands.state,
       started_at = case when stands.state = 'running' then coalesce(e.started_at, now()) else e.started_at end
     from (
       select case
         when bool_or(u.state = 'running') then 'running'
         when bool_or(u.state = 'dispatched') and x.units_done > 0 then 'running'
         when bool_or(u.state = 'dispatched') then 'dispatched'
         else 'queued' end as state
       from exports x join units u on u.export_id = x.id and u.run = x.run
       where x.id = $1 group by x.units_done
     ) stands
     where e.id = $1 and e.state = any($2)`,
    [exportId, activeStates],
  );
}
