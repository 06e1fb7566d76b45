import type { Code } from '../contracts/codes.ts';
import type {
  ExportDocument,
  ExportList,
  ExportListQuery,
  Manifest,
} from '../contracts/export-document.ts';
import type { ExportRequest } from '../contracts/export-request.ts';
import { sizes } from '../contracts/sizes.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { Refusal, refusedFields } from '../runtime/errors.ts';
import { headOfQueue } from '../scheduling/queue-order.ts';
import { publicStatus, type State, statesOf } from './states.ts';

/** An export as the catalogue has it, read with the queue before it and the clock of the database. */
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
  /** Of all that is to be done before it: what runs now, and what is ahead in the queue; null where nobody counted. */
  seconds_before: number | null;
  estimated_seconds: number | null;
  units_total: number;
  slots: number;
  /** Since when the rows of `progress_rows` have been read. */
  reading_since: Date | null;
  /** Of its source, if there is something left of it to be given out: what is being read goes on. */
  paused_source: string | null;
  pause_reason: string | null;
  last_failure: { message: string } | null;
  now: Date;
}

/** What an export takes of which nobody could say how long. */
const usualSeconds = 3;

/** At the moment `expires_at` passes an export is expired for everybody; the sweep only follows. */
const shownState = (e: string): string =>
  `case when ${e}.state = 'ready' and ${e}.expires_at <= now() then 'expired' else ${e}.state end`;

/** How to read exports: where they stand in the queue only for those that wait in it, and only by its head. */
interface Reading {
  /** Of `with recursive`; may be empty. */
  items: string;
  position: string;
  secondsBefore: string;
}

const inQueue: Reading = {
  items: `
  with recursive ${headOfQueue(usualSeconds)}, busy as materialized (
    select coalesce(sum(greatest(1, coalesce(e.estimated_seconds, ${usualSeconds})
      - extract(epoch from now() - coalesce(e.started_at, now())))), 0) as seconds
    from exports e where e.state in ('dispatched', 'running', 'completing')
  )`,
  position: `coalesce((select position from head where head.id = e.id), (select count(*) from head))`,
  secondsBefore: `(select seconds from head where head.id = e.id)::float8 + (select seconds from busy)::float8`,
};
const notInQueue: Reading = { items: '', position: 'null::bigint', secondsBefore: 'null::float8' };

const selectRecords = ({ items, position, secondsBefore }: Reading): string => `${items}
  select e.id, e.owner_id, a.email as owner_email,
    ${shownState('e')} as state,
    e.request, e.request_event_id, e.estimated_rows,
    coalesce(p.rows, 0) as progress_rows, coalesce(p.bytes, 0) as progress_bytes, e.created_at,
    e.started_at, e.finished_at, e.expires_at, e.downloaded_at,
    e.file, e.object_key, e.manifest, e.error_code, e.error_message,
    case e.state when 'dispatched' then 0 when 'queued' then ${position} end as queue_position,
    case e.state when 'dispatched' then 0 when 'queued' then ${secondsBefore} end as seconds_before,
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

/** Reads the exports of a condition. Most have left the queue, and then nobody has to look at it. */
async function readRecords(
  client: Queryable,
  condition: string,
  values: unknown[],
): Promise<ExportRecord[]> {
  const { rows: records } = await client.query<ExportRecord>(
    `${selectRecords(notInQueue)} ${condition}`,
    values,
  );
  const queued = records.filter(({ state }) => state === 'queued').map(({ id }) => id);
  if (queued.length === 0) return records;
  const { rows: placed } = await client.query<ExportRecord>(
    `${selectRecords(inQueue)} where e.id = any($1)`,
    [queued],
  );
  const byId = new Map(placed.map((record) => [record.id, record]));
  return records.map((record) => byId.get(record.id) ?? record);
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** An export of that owner, or a `not_found` that does not tell whether another has it. */
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
  throw new Refusal('not_found', 'There is no export of that id among yours.');
}

/** An export whoever owns it, deleted or not. For our own use, after something happened to it. */
export async function loadExport(client: Queryable, exportId: string): Promise<ExportRecord> {
  const [record] = await readRecords(client, 'where e.id = $1', [exportId]);
  if (!record) throw new Error(`export ${exportId} is not in the catalogue`);
  return record;
}

/** A page of an account's exports, newest first. */
export async function listExports(
  client: Queryable,
  ownerId: string,
  { cursor, limit, status, downloaded, search = '' }: ExportListQuery,
): Promise<ExportList> {
  if (cursor !== undefined && !uuid.test(cursor))
    throw refusedFields([
      { field: 'cursor', message: 'must be a nextCursor of an earlier answer' },
    ]);
  // A request may be large: a page ends before it is larger than an answer can be, and has one export at least.
  const { rows: found } = await client.query<{ id: string; fits: boolean }>(
    `select id, sum(bytes) over (order by id desc) - bytes < $6 as fits from (
       select l.id, octet_length(l.request::text) as bytes from exports l
       where l.owner_id = $1 and l.deleted_at is null and ($2::uuid is null or l.id < $2)
         and ($3::boolean is null or (l.downloaded_at is not null) = $3)
         and ($4::text[] is null or ${shownState('l')} = any($4))
         and not exists (select from unnest($7::text[]) word where strpos(l.known_as, lower(word)) = 0)
       order by l.id desc limit $5) listed
     order by id desc`,
    [
      ownerId,
      cursor ?? null,
      downloaded ?? null,
      status ? statesOf(status) : null,
      limit + 1,
      sizes.pageBytes,
      search.split(/\s+/).filter((word) => word !== ''),
    ],
  );
  const ids = found.slice(0, limit).flatMap(({ id, fits }) => (fits ? [id] : []));
  const rows = await readRecords(
    client,
    'where e.id = any($1) and e.deleted_at is null order by e.id desc',
    [ids],
  );
  return {
    items: rows.map(toDocument),
    nextCursor: found.length > ids.length ? (ids.at(-1) ?? null) : null,
  };
}

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

/** What the owner sees. */
export function toDocument(record: ExportRecord): ExportDocument {
  return {
    id: record.id,
    status: publicStatus(record.state),
    request: record.request,
    owner: record.owner_email,
    progress: {
      rows: record.progress_rows,
      bytes: record.progress_bytes,
      estimatedRows: record.estimated_rows,
      queuePosition: record.queue_position,
      etaSeconds: etaSeconds(record),
      waiting: waiting(record),
    },
    file: record.file,
    error:
      record.error_code === null
        ? null
        : { code: record.error_code, message: record.error_message ?? '' },
    createdAt: record.created_at.toISOString(),
    startedAt: iso(record.started_at),
    finishedAt: iso(record.finished_at),
    expiresAt: iso(record.expires_at),
    downloadedAt: iso(record.downloaded_at),
  };
}

/**
 * Running: from the rate so far. Queued: when the work before it is done by all slots, and what it is
 * estimated to take itself. Null where nobody knows (far from the head of the queue), or nobody can (its source is
 * paused).
 */
function etaSeconds(record: ExportRecord): number | null {
  const { estimated_rows, estimated_seconds, progress_rows, slots, units_total } = record;
  if (record.pause_reason !== null) return null;
  switch (publicStatus(record.state)) {
    case 'running': {
      if (!record.reading_since || estimated_rows === null || progress_rows === 0) return null;
      const elapsed = (record.now.getTime() - record.reading_since.getTime()) / 1_000;
      const left = Math.max(0, estimated_rows - progress_rows);
      return Math.ceil((left / progress_rows) * elapsed);
    }
    case 'queued': {
      if (estimated_seconds === null || record.seconds_before === null) return null;
      return Math.ceil(
        record.seconds_before / slots + estimated_seconds / Math.min(slots, units_total),
      );
    }
    default:
      return null;
  }
}

/** Why it is not going on, if there is more to say than that others are before it. */
function waiting({ paused_source, pause_reason, last_failure }: ExportRecord): string | null {
  if (pause_reason !== null)
    return `${paused_source} is paused by your administrator: ${pause_reason}`;
  return last_failure === null ? null : `${last_failure.message} It is tried again in a moment.`;
}

/** Refuses an export that has no file to give: not made yet, failed, cancelled (409), expired (410). */
export function requireReady(record: ExportRecord): ExportRecord & {
  file: NonNullable<ExportRecord['file']>;
  manifest: Manifest;
  object_key: string;
} {
  const { state, file, manifest, object_key } = record;
  if (state === 'expired')
    throw new Refusal(
      'expired',
      'The export has expired and its file is deleted. Ask for it again.',
    );
  if (state !== 'ready' || !file || !manifest || object_key === null)
    throw new Refusal('not_ready', `The export is ${publicStatus(state)}; there is no file.`);
  return { ...record, file, manifest, object_key };
}
