/** What the catalogue knows of an export: its states, attempts, messages and download links. */
import { z } from 'zod';
import type { ExportRequest } from '../../../lib/contracts/export-request.ts';
import { topics } from '../../../lib/messaging/topics.ts';
import { catalogue } from '../../../lib/runtime/catalogue.ts';
import type { StoryLine } from './line.ts';

export interface Recorded {
  lines: StoryLine[];
  /** Its own and those of its units, attempts and messages: by them the logs are searched. */
  ids: string[];
  /** Id of the event that asked, as that system chose it. */
  requestEventId: string | null;
  fileName: string | null;
}

/** → undefined when there is no such export. */
export async function readCatalogue(id: string): Promise<Recorded | undefined> {
  const row = await selectExport(id);
  if (row === undefined) return undefined;
  const [units, attempts, messages, tickets] = await Promise.all([
    selectUnits(id),
    selectAttempts(id),
    selectMessages(id),
    selectTickets(id),
  ]);
  return {
    // What happens in one transaction has one time: this order is the one in which it is told.
    lines: [
      lineOfCreation(row),
      ...attempts.flatMap(linesOfAttempt),
      ...linesOfExport(row),
      ...messages.flatMap(linesOfMessage),
      ...tickets.flatMap(linesOfTicket),
      ...units.map((unit) => lineOfUnit(unit, row.now)),
      line(row.now, `now ${row.state}`, { unitsDone: `${row.units_done}/${row.units_total}` }),
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

function line(at: Date, text: string, details: StoryLine['details'], part = 'catalogue') {
  return { at: at.getTime(), part, text, details };
}

/** A moment that has not come is no line. */
const maybe = (at: Date | null, text: string, details: StoryLine['details'] = {}): StoryLine[] =>
  at === null ? [] : [line(at, text, details)];

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

const lineOfCreation = (row: ExportRow): StoryLine =>
  line(row.created_at, 'created', {
    owner: row.email,
    ...row.request,
    sources: row.request.sources.join(','),
    estimatedRows: row.estimated_rows,
    requestEventId: row.request_event_id,
  });

function linesOfExport(row: ExportRow): StoryLine[] {
  const { file } = row;
  return [
    ...maybe(row.started_at, 'running for the first time'),
    ...maybe(row.cancel_requested_at, 'stop asked for'),
    ...(file === null
      ? maybe(row.finished_at, row.state, { code: row.error_code, message: row.error_message })
      : maybe(row.finished_at, 'ready', { ...file, expiresAt: row.expires_at })),
    ...maybe(row.downloaded_at, 'download acknowledged'),
    ...(row.state === 'expired' ? maybe(row.expires_at, 'expired') : []),
    ...maybe(row.deleted_at, 'deleted by its owner'),
    ...maybe(row.object_deleted_at, 'file deleted from object storage'),
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

const lineOfUnit = (unit: Unit, now: Date): StoryLine =>
  line(now, `now its ${unit.kind} unit is ${unit.state}`, {
    unitId: unit.id,
    source: unit.source,
    partition: unit.partition,
    leaseUntil: unit.lease_until,
    notBefore: unit.not_before > now ? unit.not_before : null,
    lostAttempts: unit.lost_attempts,
    retries: unit.retries,
  });

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

const linesOfAttempt = (attempt: Attempt): StoryLine[] => [
  line(attempt.started_at, 'attempt begins', {
    attemptId: attempt.id,
    partition: attempt.partition,
    offset: attempt.offset,
  }),
  ...maybe(attempt.ended_at, `attempt ${attempt.state}`, { attemptId: attempt.id }),
  ...maybe(attempt.cleared_at, 'nothing is left of the attempt', { attemptId: attempt.id }),
];

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

/** What was sent a week ago is forgotten. Dead letters may hold anything, so they are found by its bytes. */
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

function linesOfMessage(message: Message): StoryLine[] {
  const name = nameOf(message);
  const details = {
    topic: message.topic,
    partition: message.partition,
    eventId: message.event_id,
    dispatchId: message.dispatch_id,
  };
  return [
    line(
      message.created_at,
      message.sent_at === null && message.failed_at === null ? `${name} (not sent yet)` : name,
      details,
      'outbox',
    ),
    ...(message.sent_at === null
      ? []
      : [
          line(
            message.sent_at,
            `${name} sent`,
            { topic: message.topic, eventId: message.event_id },
            'outbox',
          ),
        ]),
    ...maybe(message.failed_at, `${name} put aside: ${message.failure}`, {
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

const linesOfTicket = (ticket: Ticket): StoryLine[] => [
  line(ticket.created_at, 'download link made', {}),
  ...maybe(ticket.first_used_at, 'download link used for the first time'),
];
