import type { Code } from '../contracts/codes.ts';
import type { ExportDocument, Manifest } from '../contracts/export-document.ts';
import type { ExportRequest } from '../contracts/export-request.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { AppError } from '../runtime/errors.ts';
import { queueHeadSql } from '../scheduling/queue-order.ts';
import type { State } from './lifecycle/states.ts';

/** An export as the catalogue has it, with its place in the queue and the clock of the database. */
export interface ExportRecord {
  id: string;
  owner_id: string;
  owner_email: string;
  state: State;
  request: ExportRequest;
  request_event_id: string | null;
  estimated_rows: number | null;
  progress_rows: number;
  progress_bytes: number;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  expires_at: Date | null;
  downloaded_at: Date | null;
  file: ExportDocument['file'];
  object_key: string | null;
  manifest: Manifest | null;
  error_code: Code | null;
  error_message: string | null;
  queue_position: number | null;
  /** Estimated seconds of the running exports and of those before it in the queue; null if not counted. */
  seconds_before: number | null;
  estimated_seconds: number | null;
  units_total: number;
  slots: number;
  /** When reading of the rows of `progress_rows` started. */
  reading_since: Date | null;
  /** A paused source with units that wait to be dispatched; running units finish. */
  paused_source: string | null;
  pause_reason: string | null;
  last_failure: { message: string } | null;
  now: Date;
}

/** Assumed for an export without an estimate. */
const defaultEstimateSeconds = 3;

/** Returns SQL for the state of export `e`: expired as soon as `expires_at` has passed, before the sweep records it. */
export function currentState(e: string): string {
  return `case when ${e}.state = 'ready' and ${e}.expires_at <= now() then 'expired' else ${e}.state end`;
}

const selectRecords = `
  select e.id, e.owner_id, a.email as owner_email,
    ${currentState('e')} as state,
    e.request, e.request_event_id, e.estimated_rows,
    coalesce(p.rows, 0) as progress_rows, coalesce(p.bytes, 0) as progress_bytes, e.created_at,
    e.started_at, e.finished_at, e.expires_at, e.downloaded_at,
    e.file, e.object_key, e.manifest, e.error_code, e.error_message,
    case e.state when 'dispatched' then 0 end as queue_position,
    case e.state when 'dispatched' then 0 end as seconds_before,
    e.estimated_seconds, e.units_total,
    (select count(*) from slots) as slots,
    case when e.units_total > 1 then e.started_at
      else (select max(t.started_at) from attempts t where t.export_id = e.id and t.state = 'running')
    end as reading_since,
    pause.source as paused_source, pause.reason as pause_reason,
    case when e.state = 'queued' then (
      select t.failure from attempts t join units u on u.id = t.unit_id
      where t.export_id = e.id and t.state = 'retried' and u.run = e.run and u.state = 'queued'
      order by t.ended_at desc limit 1) end as last_failure,
    now() as now
  from exports e
  join accounts a on a.id = e.owner_id
  cross join lateral (
    select sum(u.rows)::bigint as rows, sum(u.bytes)::bigint as bytes
    from units u where u.export_id = e.id and u.run = e.run
  ) p
  left join lateral (
    select p.source, p.reason from source_pauses p join units u on u.source = p.source
    where u.export_id = e.id and u.run = e.run and u.kind = 'read' and u.state = 'queued'
    order by p.source limit 1
  ) pause on e.state in ('queued', 'dispatched', 'running')`;

/** Selects the places in the queue of exports $1. An export that has left the queue since it was read gets place 0. */
const selectPlaces = `
  with recursive ${queueHeadSql(defaultEstimateSeconds)}, busy as materialized (
    select coalesce(sum(greatest(1, coalesce(e.estimated_seconds, ${defaultEstimateSeconds})
      - extract(epoch from now() - coalesce(e.started_at, now())))), 0)::float8 as seconds
    from exports e where e.state in ('dispatched', 'running', 'completing')
  )
  select e.id,
    case e.state when 'queued' then coalesce(head.position, (select count(*) from head)) else 0 end as queue_position,
    case e.state when 'queued' then head.seconds::float8 + (select seconds from busy) else 0 end as seconds_before
  from exports e left join head on head.id = e.id where e.id = any($1)`;

type Place = Pick<ExportRecord, 'id' | 'queue_position' | 'seconds_before'>;

/** Returns the exports that meet a condition. Reads the queue only if one of them waits in it. */
async function readRecords(
  client: Queryable,
  condition: string,
  values: unknown[],
): Promise<ExportRecord[]> {
  const { rows: records } = await client.query<ExportRecord>(
    `${selectRecords} ${condition}`,
    values,
  );
  const queued = records.filter(({ state }) => state === 'queued').map(({ id }) => id);
  if (queued.length === 0) return records;
  const { rows: places } = await client.query<Place>(selectPlaces, [queued]);
  const placeOf = new Map(places.map((place) => [place.id, place]));
  return records.map((record) => ({ ...record, ...placeOf.get(record.id) }));
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Returns an export of the owner. Throws the same `not_found` for a missing export and one of another account. */
export async function findExport(
  client: Queryable,
  ownerId: string,
  exportId: string,
): Promise<ExportRecord> {
  if (uuid.test(exportId)) {
    const [record] = await readRecords(
      client,
      'where e.id = $1 and e.owner_id = $2 and e.deleted_at is null',
      [exportId, ownerId],
    );
    if (record) return record;
  }
  throw new AppError('not_found', 'Export not found.');
}

/** Returns an export of any owner, deleted or not. */
export async function loadExport(client: Queryable, exportId: string): Promise<ExportRecord> {
  const [record] = await readRecords(client, 'where e.id = $1', [exportId]);
  if (!record) throw new Error(`export ${exportId} is not in the catalogue`);
  return record;
}

/** Returns exports of any owner, deleted or not, newest first. */
export const loadExports = (client: Queryable, ids: readonly string[]): Promise<ExportRecord[]> =>
  readRecords(client, 'where e.id = any($1) order by e.id desc', [ids]);

/** Returns the exports that are not deleted, in any order. */
export const loadUndeletedExports = (
  client: Queryable,
  ids: readonly string[],
): Promise<ExportRecord[]> =>
  readRecords(client, 'where e.id = any($1) and e.deleted_at is null', [ids]);
