import type { Code } from '../contracts/codes.ts';
import type {
  ExportDocument,
  ExportList,
  ExportListQuery,
  Manifest,
} from '../contracts/export-document.ts';
import type { ExportRequest } from '../contracts/export-request.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { Refusal, refusedFields } from '../runtime/errors.ts';
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
  now: Date;
}

/** At the moment `expires_at` passes an export is expired for everybody; the sweep only follows. */
const selectRecords = `
  select e.id, e.owner_id, a.email as owner_email,
    case when e.state = 'ready' and e.expires_at <= now() then 'expired' else e.state end as state,
    e.request, e.request_event_id, e.estimated_rows,
    coalesce(p.rows, 0) as progress_rows, coalesce(p.bytes, 0) as progress_bytes, e.created_at,
    e.started_at, e.finished_at, e.expires_at, e.downloaded_at,
    e.file, e.object_key, e.manifest, e.error_code, e.error_message,
    case e.state
      when 'dispatched' then 0
      when 'queued' then (select count(*) from exports q where q.state = 'queued' and q.id < e.id)
    end as queue_position,
    now() as now
  from exports e
  join accounts a on a.id = e.owner_id
  cross join lateral (
    select sum(u.rows)::bigint as rows, sum(u.bytes)::bigint as bytes from units u where u.export_id = e.id
  ) p`;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** An export of that owner, or a `not_found` that does not tell whether another has it. */
export async function findExport(
  client: Queryable,
  ownerId: string,
  exportId: string,
): Promise<ExportRecord> {
  if (uuid.test(exportId)) {
    const { rows } = await client.query<ExportRecord>(
      `${selectRecords} where e.id = $1 and e.owner_id = $2 and e.deleted_at is null`,
      [exportId, ownerId],
    );
    if (rows[0]) return rows[0];
  }
  throw new Refusal('not_found', 'There is no export of that id among yours.');
}

/** An export whoever owns it, deleted or not. For our own use, after something happened to it. */
export async function loadExport(client: Queryable, exportId: string): Promise<ExportRecord> {
  const { rows } = await client.query<ExportRecord>(`${selectRecords} where e.id = $1`, [exportId]);
  if (!rows[0]) throw new Error(`export ${exportId} is not in the catalogue`);
  return rows[0];
}

/** A page of an account's exports, newest first. */
export async function listExports(
  client: Queryable,
  ownerId: string,
  { cursor, limit, status, downloaded }: ExportListQuery,
): Promise<ExportList> {
  if (cursor !== undefined && !uuid.test(cursor))
    throw refusedFields([
      { field: 'cursor', message: 'must be a nextCursor of an earlier answer' },
    ]);
  const { rows } = await client.query<ExportRecord>(
    `select * from (${selectRecords}
       where e.owner_id = $1 and e.deleted_at is null and ($2::uuid is null or e.id < $2)
         and ($3::boolean is null or (e.downloaded_at is not null) = $3)) records
     where $4::text[] is null or state = any($4)
     order by id desc limit $5`,
    [ownerId, cursor ?? null, downloaded ?? null, status ? statesOf(status) : null, limit + 1],
  );
  const page = rows.slice(0, limit);
  return {
    items: page.map(toDocument),
    nextCursor: rows.length > limit ? (page.at(-1)?.id ?? null) : null,
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

/** From the rate so far; null before there is one, and where nobody knows how many rows will come. */
function etaSeconds(record: ExportRecord): number | null {
  const { state, started_at, estimated_rows, progress_rows, now } = record;
  if (state !== 'running' || !started_at || estimated_rows === null || progress_rows === 0)
    return null;
  const elapsed = (now.getTime() - started_at.getTime()) / 1_000;
  const left = Math.max(0, estimated_rows - progress_rows);
  return Math.ceil((left / progress_rows) * elapsed);
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
