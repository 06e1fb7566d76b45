/** Reads the timeline of an export from the catalogue: its states, attempts, messages and download links. */
import { z } from 'zod';
import type { ExportRequest } from '../../../lib/contracts/export-request.ts';
import { topics } from '../../../lib/messaging/topics.ts';
import { catalogue } from '../../../lib/runtime/catalogue.ts';
import type { TimelineEntry } from './entry.ts';

export interface CatalogueTimeline {
  entries: TimelineEntry[];
  /** Ids of the export, its units, attempts and messages, by which the logs are searched. */
  ids: string[];
  /** Id of the event that requested the export, as its sender chose it. */
  requestEventId: string | null;
  fileName: string | null;
}

/** Returns undefined if the export does not exist. */
export async function readCatalogueTimeline(id: string): Promise<CatalogueTimeline | undefined> {
  const row = await selectExport(id);
  if (row === undefined) return undefined;
  const [units, attempts, messages, tickets] = await Promise.all([
    selectUnits(id),
    selectAttempts(id),
    selectMessages(id),
    selectTickets(id),
  ]);
  return {
    // Entries of one transaction have the same time: they are printed in this order.
    entries: [
      entryOfCreation(row),
      ...attempts.flatMap(entriesOfAttempt),
      ...entriesOfExport(row),
      ...messages.flatMap(entriesOfMessage),
      ...tickets.flatMap(entriesOfTicket),
      ...units.map((unit) => entryOfUnit(unit, row.now)),
      entry(row.now, `now ${row.state}`, { unitsDone: `${row.units_done}/${row.units_total}` }),
    ],
    ids: [
      id,
      ...units.map((unit) => unit.id),
      ...attempts.map((attempt) => attempt.id),
      ...messages.flatMap(({ event_id, dispatch_id }) =>
        dispatch_id === null ? [event_id] : [event_id, dispatch_id],
      ),
    ],
    requestEventId: row.request_event_id,
    fileName: row.file?.name ?? null,
  };
}

function entry(at: Date, text: string, details: TimelineEntry['details'], component = 'catalogue') {
  return { at: at.getTime(), component, text, details };
}

/** Returns no entry for a timestamp that is not set. */
function entryIfSet(
  at: Date | null,
  text: string,
  details: TimelineEntry['details'] = {},
): TimelineEntry[] {
  return at === null ? [] : [entry(at, text, details)];
}

interface ExportRow {
  state: string;
  email: string;
  request: ExportRequest;
  request_event_id: string | null;
  estimated_rows: number | null;
  units_total: number;
  units_done: number;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  expires_at: Date | null;
  cancel_requested_at: Date | null;
  downloaded_at: Date | null;
  deleted_at: Date | null;
  object_deleted_at: Date | null;
  file: { name: string; bytes: number; rows: number; sha256: string } | null;
  error_code: string | null;
  error_message: string | null;
  now: Date;
}

async function selectExport(id: string): Promise<ExportRow | undefined> {
  const { rows } = await catalogue().query<ExportRow>(
    'select e.*, a.email, now() as now from exports e join accounts a on a.id = e.owner_id where e.id = $1',
    [id],
  );
  return rows[0];
}

function entryOfCreation(row: ExportRow): TimelineEntry {
  return entry(row.created_at, 'created', {
    owner: row.email,
    ...row.request,
    sources: row.request.sources.join(','),
    estimatedRows: row.estimated_rows,
    requestEventId: row.request_event_id,
  });
}

function entriesOfExport(row: ExportRow): TimelineEntry[] {
  const { file } = row;
  return [
    ...entryIfSet(row.started_at, 'running for the first time'),
    ...entryIfSet(row.cancel_requested_at, 'cancellation requested'),
    ...(file === null
      ? entryIfSet(row.finished_at, row.state, { code: row.error_code, message: row.error_message })
      : entryIfSet(row.finished_at, 'ready', { ...file, expiresAt: row.expires_at })),
    ...entryIfSet(row.downloaded_at, 'download acknowledged'),
    ...(row.state === 'expired' ? entryIfSet(row.expires_at, 'expired') : []),
    ...entryIfSet(row.deleted_at, 'deleted by its owner'),
    ...entryIfSet(row.object_deleted_at, 'file deleted from object storage'),
  ];
}

interface Unit {
  id: string;
  kind: string;
  state: string;
  source: string;
  partition: number | null;
  lease_until: Date | null;
  not_before: Date;
  lost_attempts: number;
  retries: number;
}

async function selectUnits(id: string): Promise<Unit[]> {
  const { rows } = await catalogue().query<Unit>(
    `select id, kind, state, source, partition, lease_until, not_before, lost_attempts, retries
     from units where export_id = $1 order by kind desc, ordinal`,
    [id],
  );
  return rows;
}

function entryOfUnit(unit: Unit, now: Date): TimelineEntry {
  return entry(now, `now its ${unit.kind} unit is ${unit.state}`, {
    unitId: unit.id,
    source: unit.source,
    partition: unit.partition,
    leaseUntil: unit.lease_until,
    notBefore: unit.not_before > now ? unit.not_before : null,
    lostAttempts: unit.lost_attempts,
    retries: unit.retries,
  });
}

interface Attempt {
  id: string;
  state: string;
  partition: number;
  offset: number;
  started_at: Date;
  ended_at: Date | null;
  cleared_at: Date | null;
}

async function selectAttempts(id: string): Promise<Attempt[]> {
  const { rows } = await catalogue().query<Attempt>(
    `select id, state, partition, "offset", started_at, ended_at, cleared_at
     from attempts where export_id = $1 order by started_at`,
    [id],
  );
  return rows;
}

function entriesOfAttempt(attempt: Attempt): TimelineEntry[] {
  return [
    entry(attempt.started_at, 'attempt started', {
      attemptId: attempt.id,
      partition: attempt.partition,
      offset: attempt.offset,
    }),
    ...entryIfSet(attempt.ended_at, `attempt ${attempt.state}`, { attemptId: attempt.id }),
    ...entryIfSet(attempt.cleared_at, 'objects of the attempt deleted', { attemptId: attempt.id }),
  ];
}

interface Message {
  event_id: string;
  dispatch_id: string | null;
  topic: string;
  partition: number | null;
  value: Buffer | null;
  created_at: Date;
  sent_at: Date | null;
  failed_at: Date | null;
  failure: string | null;
}

/** Messages older than a week are deleted. Dead letters have arbitrary content, so they are found by the id's bytes. */
async function selectMessages(id: string): Promise<Message[]> {
  const { rows } = await catalogue().query<Message>(
    `select event_id, dispatch_id, topic, partition, value, created_at, sent_at, failed_at, failure
     from outbox
     where key = $1 or position($1 in value) > 0 order by id`,
    [Buffer.from(id)],
  );
  return rows;
}

const eventSchema = z.looseObject({ type: z.string() });

/** `streamsync.export.accepted.v1` → `accepted` */
function nameOf({ topic, value }: Message): string {
  if (topic !== topics.results.name && topic !== topics.work.name) return 'dead letter';
  const { type } = eventSchema.parse(JSON.parse(value?.toString() ?? ''));
  return type.split('.').at(-2) ?? type;
}

function entriesOfMessage(message: Message): TimelineEntry[] {
  const name = nameOf(message);
  const details = {
    topic: message.topic,
    partition: message.partition,
    eventId: message.event_id,
    dispatchId: message.dispatch_id,
  };
  return [
    entry(
      message.created_at,
      message.sent_at === null && message.failed_at === null ? `${name} (not sent yet)` : name,
      details,
      'outbox',
    ),
    ...(message.sent_at === null
      ? []
      : [
          entry(
            message.sent_at,
            `${name} sent`,
            { topic: message.topic, eventId: message.event_id },
            'outbox',
          ),
        ]),
    ...entryIfSet(message.failed_at, `${name} could not be sent: ${message.failure}`, {
      eventId: message.event_id,
    }),
  ];
}

interface Ticket {
  created_at: Date;
  first_used_at: Date | null;
}

async function selectTickets(id: string): Promise<Ticket[]> {
  const { rows } = await catalogue().query<Ticket>(
    'select created_at, first_used_at from tickets where export_id = $1 order by created_at',
    [id],
  );
  return rows;
}

function entriesOfTicket(ticket: Ticket): TimelineEntry[] {
  return [
    entry(ticket.created_at, 'download link created', {}),
    ...entryIfSet(ticket.first_used_at, 'download link used for the first time'),
  ];
}
