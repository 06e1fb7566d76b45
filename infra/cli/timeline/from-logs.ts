/**
 * Reads the timeline of an export from the logs of a home, in two passes: lines with a known id name further ids
 * (the request that created the export, an attempt that the catalogue did not return), whose lines belong to it as well.
 */
import { basename } from 'node:path';
import { z } from 'zod';
import type { Home } from '../../local/home/home.ts';
import { jsonLinesOf, logFiles } from '../log-files.ts';
import type { TimelineEntry } from './entry.ts';

export interface Search {
  ids: readonly string[];
  requestEventId: string | null;
  /** A rejected download has no export id in the log, only the file name in its address. */
  fileName: string | null;
}

const uuidPattern = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** UUIDs, and the request ids of NGINX. Other texts in the place of an id are ignored. */
const idPattern = new RegExp(`(?<![\\w-])(?:${uuidPattern}|[0-9a-f]{32})(?![\\w-])`, 'g');

const lineSchema = z.looseObject({
  requestId: z.string().optional(),
  unitId: z.string().optional(),
  attemptId: z.string().optional(),
  dispatchId: z.string().optional(),
  eventId: z.string().optional(),
});
type LogLine = z.infer<typeof lineSchema>;

const functionLineSchema = z.looseObject({
  timestamp: z.iso.datetime(),
  message: z.string(),
  level: z.string(),
});

const accessLineSchema = z.looseObject({
  time: z.iso.datetime({ offset: true }),
  requestId: z.string(),
  method: z.string(),
  path: z.string(),
  status: z.number(),
});

export async function readLogs(home: Home, search: Search): Promise<TimelineEntry[]> {
  const known = new Set(search.ids);
  const belongs = (text: string): boolean =>
    idsIn(text).some((id) => known.has(id)) ||
    (search.fileName !== null && text.includes(`/${search.fileName}"`)) ||
    (search.requestEventId !== null &&
      /"eventIds?":/.test(text) &&
      text.includes(JSON.stringify(search.requestEventId)));
  const files = logFiles(home);

  const further = new Set<string>();
  for (const file of files) {
    for await (const entry of jsonLinesOf(file, lineSchema, belongs)) {
      const { requestId, unitId, attemptId, dispatchId, eventId } = entry;
      for (const value of [requestId, unitId, attemptId, dispatchId, eventId])
        if (value !== undefined && idsIn(value)[0] === value) further.add(value);
    }
  }
  for (const id of further) known.add(id);

  const entries: TimelineEntry[] = [];
  const accesses: z.infer<typeof accessLineSchema>[] = [];
  for (const file of files) {
    for await (const entry of jsonLinesOf(file, lineSchema, belongs)) {
      const access = accessLineSchema.safeParse(entry);
      if (access.success) accesses.push(access.data);
      else entries.push(...functionEntries(basename(file).split('.')[0] ?? '', entry));
    }
  }
  return [...entries, ...accessEntries(accesses, entries)];
}

const idsIn = (text: string): string[] => text.match(idPattern) ?? [];

function functionEntries(component: string, entry: LogLine): TimelineEntry[] {
  const read = functionLineSchema.safeParse(entry);
  if (!read.success) return [];
  const { timestamp, message, level, service: _, sampling_rate: __, ...details } = read.data;
  const text = level === 'INFO' ? message : `${level} ${message}`;
  return [{ at: Date.parse(timestamp), component, text, details }];
}

/**
 * NGINX logs whole seconds at the end of a request, so an entry is not placed before the answer of the functions. A
 * request of the API whose answer the functions logged with the same status is left out.
 */
function accessEntries(
  accesses: readonly z.infer<typeof accessLineSchema>[],
  entries: readonly TimelineEntry[],
): TimelineEntry[] {
  const answered = new Map(entries.map((line) => [line.details['requestId'], line]));
  return accesses.flatMap(({ time, method, path, status, ...details }) => {
    const answer = answered.get(details.requestId);
    const isLogged = path.startsWith('/api/') && answer?.details['status'] === status;
    if (isLogged) return [];
    const at = Math.max(Date.parse(time), answer?.at ?? 0);
    const what = path.startsWith('/files/') ? 'download' : 'request';
    return [{ at, component: 'nginx', text: what, details: { method, path, status, ...details } }];
  });
}
