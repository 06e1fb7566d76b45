import type { PublicStatus } from '../../contracts/export-document.ts';
import type { Queryable } from '../../runtime/catalogue.ts';

/**
 * The states of an export and the transitions between them.
 *
 *   queued → dispatched → running → completing → ready → expired
 *
 * The first four states may change to `failed` and `cancelled`. The three after `queued` may change back to `queued`:
 * the worker was lost, the unit is retried, or the next unit waits for a slot. A rerun by the owner (`rerun.ts`) starts
 * a new run of an ended export at `queued`.
 */
export const transitions = {
  queued: ['dispatched', 'failed', 'cancelled'],
  dispatched: ['running', 'queued', 'failed', 'cancelled'],
  running: ['completing', 'dispatched', 'queued', 'failed', 'cancelled'],
  completing: ['ready', 'queued', 'failed', 'cancelled'],
  ready: ['expired'],
  failed: [],
  cancelled: [],
  expired: [],
} as const satisfies Record<string, readonly string[]>;

export type State = keyof typeof transitions;

function isState(text: string): text is State {
  return Object.hasOwn(transitions, text);
}

export const states = Object.keys(transitions).filter(isState);

/** Returns the states from which a transition to `to` is legal. */
export function sourceStates(to: State): State[] {
  return states.filter((from) => transitions[from].some((next) => next === to));
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

export function publicStatus(state: State): PublicStatus {
  return publicNames[state];
}

export function statesOf(status: PublicStatus): State[] {
  return states.filter((state) => publicNames[state] === status);
}

/** Changes the state of an export if that is legal. Returns whether it did. */
export async function transition(client: Queryable, exportId: string, to: State): Promise<boolean> {
  const { rowCount } = await client.query(
    `update exports set state = $2,
       started_at = case when $2 = 'running' then coalesce(started_at, now()) else started_at end,
       finished_at = case when $2 in ('failed', 'cancelled') then now() else finished_at end
     where id = $1 and state = any($3)`,
    [exportId, to, sourceStates(to)],
  );
  // The unit outputs are no longer needed, so the sweep may delete them.
  if (rowCount === 1 && (to === 'failed' || to === 'cancelled'))
    await client.query('update attempts set kept = false where export_id = $1', [exportId]);
  return rowCount === 1;
}

/** The states in which units of an export may still run. */
export const activeStates = [
  'queued',
  'dispatched',
  'running',
  'completing',
] as const satisfies State[];

/**
 * Sets the state of an active export from the states of its units. Call it after a unit is dispatched, claimed or
 * requeued. If a unit is done and another one dispatched, the export is running.
 */
export async function syncExportState(client: Queryable, exportId: string): Promise<void> {
  await client.query(
    `update exports e set state = derived.state,
       started_at = case when derived.state = 'running' then coalesce(e.started_at, now()) else e.started_at end
     from (
       select case
         when bool_or(u.state = 'running') then 'running'
         when bool_or(u.state = 'dispatched') and x.units_done > 0 then 'running'
         when bool_or(u.state = 'dispatched') then 'dispatched'
         else 'queued' end as state
       from exports x join units u on u.export_id = x.id and u.run = x.run
       where x.id = $1 group by x.units_done
     ) derived
     where e.id = $1 and e.state = any($2)`,
    [exportId, activeStates],
  );
}
