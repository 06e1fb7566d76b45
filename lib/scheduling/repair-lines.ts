import { catalogue } from '../runtime/catalogue.ts';

interface Line {
  owner_id: string;
  source: string;
  lane: string;
  connections: number;
}

const nil = '00000000-0000-0000-0000-000000000000';
const beginning: Line = { owner_id: nil, source: '', lane: '', connections: -1 };
/** How many lines one pass looks at; the next goes on from there, round and round. */
const most = 200;

let unitsLookedAt = beginning;
let linesLookedAt = beginning;

/**
 * Holds the lines of the queue against its units: a unit without a line gets one, a line without a unit goes. The
 * triggers of `units` do that, but for lines that two transactions left at once; the rest is for what nobody has
 * thought of.
 */
export async function repairLines(): Promise<void> {
  unitsLookedAt = await lookFrom(unitsLookedAt, addMissing);
  linesLookedAt = await lookFrom(linesLookedAt, removeEmpty);
}

async function lookFrom(last: Line, statement: string): Promise<Line> {
  const { rows } = await catalogue().query<Line>(statement, [
    last.owner_id,
    last.source,
    last.lane,
    last.connections,
  ]);
  return (rows.length === most ? rows.at(-1) : undefined) ?? beginning;
}

const columnsOfUnit = 'owner_id, source, lane, planned_connections';
const columnsOfLine = 'owner_id, source, lane, connections';

/** The lines that there should be, found by jumping from one to the next in the index of the units. */
const addMissing = `
  with recursive waiting as (
    (select ${columnsOfUnit} from units
     where state = 'queued' and not delayed and (${columnsOfUnit}) > ($1::uuid, $2::text, $3::text, $4::integer)
     order by ${columnsOfUnit} limit 1)
    union all
    select following.* from waiting w cross join lateral (
      select ${columnsOfUnit} from units u
      where u.state = 'queued' and not u.delayed
        and (u.owner_id, u.source, u.lane, u.planned_connections)
          > (w.owner_id, w.source, w.lane, w.planned_connections)
      order by ${columnsOfUnit} limit 1
    ) following
  ), seen as materialized (
    select owner_id, source, lane, planned_connections as connections from waiting limit ${most}
  ), added as (
    insert into queue_lines (${columnsOfLine}, served_at, since)
    select s.*, coalesce((select a.served_at from accounts a where a.id = s.owner_id), '-infinity'), now()
    from seen s
    on conflict do nothing
  )
  select * from seen order by ${columnsOfLine}`;

const removeEmpty = `
  with seen as materialized (
    select * from queue_lines where (${columnsOfLine}) > ($1::uuid, $2::text, $3::text, $4::integer)
    order by ${columnsOfLine} limit ${most}
  ), looked as materialized (
    select seen.*, remove_line_if_empty(owner_id, source, lane, connections) as removed from seen
  )
  select ${columnsOfLine} from looked order by ${columnsOfLine}`;
