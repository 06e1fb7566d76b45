import { z } from 'zod';
import type { Running, RunningQuery } from '../contracts/admin.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { cursorOf, readCursor } from './cursor.ts';
import { unfinishedUnits } from './unfinished-units.ts';

/** Order of the state, time of the creation in microseconds as text, id of the unit. */
const positionSchema = z.tuple([z.int().min(0).max(2), z.string().regex(/^\d{1,18}$/), z.uuid()]);

type Item = Running['items'][number];
type Row = Omit<Item, 'createdAt' | 'startedAt' | 'rowsPerSecond' | 'bytesPerSecond'> & {
  rank: number;
  microseconds: string;
  created_at: Date;
  started_at: Date | null;
  seconds: number | null;
};

/** Returns a page of the units that run and wait: running ones, dispatched ones, then waiting ones by age. */
export async function listRunning(
  client: Queryable,
  { cursor, limit }: RunningQuery,
): Promise<Running> {
  const position = cursor === undefined ? null : readCursor(positionSchema, cursor);
  const { rows } = await client.query<Row>(
    `select u.id as "unitId", e.id as "exportId", a.email as owner, u.source,
       e.request ->> 'dataset' as dataset, e.request ->> 'format' as format, u.kind,
       case u.state when 'queued' then 'waiting' else u.state end as state,
       case when u.state <> 'queued' then u.partition end as slot,
       t.worker, t.id as attempt, u.rows, u.bytes, u.created_at, t.started_at,
       extract(epoch from now() - t.started_at)::float8 as seconds,
       u.rank, u.microseconds::text as microseconds
     from (
       select *, case state when 'running' then 0 when 'dispatched' then 1 else 2 end as rank,
         (extract(epoch from created_at) * 1000000)::bigint as microseconds
       from ${unfinishedUnits} units
     ) u
     join exports e on e.id = u.export_id
     join accounts a on a.id = e.owner_id
     left join attempts t on t.id = u.attempt_id and u.state = 'running'
     where $1::int is null or (u.rank, u.microseconds, u.id) > ($1, $2::bigint, $3::uuid)
     order by u.rank, u.microseconds, u.id limit $4`,
    [...(position ?? [null, null, null]), limit + 1],
  );
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(toItem),
    nextCursor:
      rows.length > limit && last ? cursorOf([last.rank, last.microseconds, last.unitId]) : null,
  };
}

function toItem(row: Row): Item {
  const { rank: _, microseconds: __, created_at, started_at, seconds, ...unit } = row;
  return {
    ...unit,
    rowsPerSecond: rateOf(unit.rows, seconds),
    bytesPerSecond: rateOf(unit.bytes, seconds),
    createdAt: created_at.toISOString(),
    startedAt: started_at?.toISOString() ?? null,
  };
}

/** Of the whole attempt; progress is at most two seconds old. */
const rateOf = (count: number, seconds: number | null): number | null =>
  seconds === null || seconds <= 0 ? null : Math.round(count / seconds);
