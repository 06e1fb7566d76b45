import { catalogue } from '../runtime/catalogue.ts';

interface Line {
  owner_id: string;
  source: string;
  lane: string;
  connections: number;
}

const nil = '00000000-0000-0000-0000-000000000000';
const beforeFirst: Line = { owner_id: nil, source: '', lane: '', connections: -1 };
/** Lines that one pass checks. The next pass continues there, and starts again after the last line. */
const batchSize = 200;

let lastOfUnits = beforeFirst;
let lastOfLines = beforeFirst;

/**
 * Adds a line for units without one, and removes lines without a unit. The triggers of `units` do this, except for a
 * line whose last units leave in two concurrent transactions. Everything else is a safety net.
 */
export async function repairLines(): Promise<void> {
  lastOfUnits = await repairBatch(lastOfUnits, addMissing);
  lastOfLines = await repairBatch(lastOfLines, removeEmpty);
}

/** Runs the statement for the lines after `last`. Returns the last one of the batch, to continue there. */
async function repairBatch(last: Line, statement: string): Promise<Line> {
  const { rows } = await catalogue().query<Line>(statement, [
    last.owner_id,
    last.source,
    last.lane,
    last.connections,
  ]);
  return (rows.length === batchSize ? rows.at(-1) : undefined) ?? beforeFirst;
}

const columnsOfUnit = 'owner_id, source, lane, planned_connections';
const columnsOfLine = 'owner_id, source, lane, connections';

/** Finds the lines that should exist by a loose index scan of the units: it jumps from one to the next. */
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
    select owner_id, source, lane, planned_connections as connections from waiting limit ${batchSize}
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
    order by ${columnsOfLine} limit ${batchSize}
  ), checked as materialized (
    select seen.*, remove_line_if_empty(owner_id, source, lane, connections) as removed from seen
  )
  select ${columnsOfLine} from checked order by ${columnsOfLine}`;
