/**
 * What the logs of a home tell of an export. They are read twice: lines with a known id name further ones (the
 * request that created it, an attempt the catalogue was not asked about), and those lines belong to it as well.
 */
import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Home } from '../home.ts';
import type { StoryLine } from './line.ts';

export interface Search {
  ids: readonly string[];
  requestEventId: string | null;
  /** A download that was refused has no export id in the log, only the name of the file in its address. */
  fileName: string | null;
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** UUIDs, and the request ids NGINX makes. Any other text in the place of an id says nothing. */
const ID = new RegExp(`(?<![\\w-])(?:${UUID}|[0-9a-f]{32})(?![\\w-])`, 'g');

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

export async function readLogs(home: Home, search: Search): Promise<StoryLine[]> {
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
    for await (const entry of linesOf(file, belongs)) {
      const { requestId, unitId, attemptId, dispatchId, eventId } = entry;
      for (const value of [requestId, unitId, attemptId, dispatchId, eventId])
        if (value !== undefined && idsIn(value)[0] === value) further.add(value);
    }
  }
  for (const id of further) known.add(id);

  const story: StoryLine[] = [];
  const accesses: z.infer<typeof accessLineSchema>[] = [];
  for (const file of files) {
    for await (const entry of linesOf(file, belongs)) {
      const access = accessLineSchema.safeParse(entry);
      if (access.success) accesses.push(access.data);
      else story.push(...functionLine(basename(file).split('.')[0] ?? '', entry));
    }
  }
  return [...story, ...accessLines(accesses, story)];
}

/** Older ones first: of two lines of one moment the earlier stays the first. */
function logFiles({ logs, nginx }: Home): string[] {
  const names = existsSync(logs) ? readdirSync(logs) : [];
  return [
    ...names.filter((name) => name.endsWith('.log.1')).map((name) => join(logs, name)),
    ...names.filter((name) => name.endsWith('.log')).map((name) => join(logs, name)),
    join(nginx, 'requests.log'),
  ].filter((path) => existsSync(path));
}

/** The JSON lines of a file that are wanted; between them the parts write texts of their own. */
async function* linesOf(
  file: string,
  isWanted: (text: string) => boolean,
): AsyncGenerator<LogLine> {
  const lines = createInterface({
    input: createReadStream(file),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  for await (const text of lines) {
    if (!text.startsWith('{') || !isWanted(text)) continue;
    try {
      yield lineSchema.parse(JSON.parse(text));
    } catch {
      // Being written, or cut off by a kill.
    }
  }
}

const idsIn = (text: string): string[] => text.match(ID) ?? [];

function functionLine(part: string, entry: LogLine): StoryLine[] {
  const read = functionLineSchema.safeParse(entry);
  if (!read.success) return [];
  const { timestamp, message, level, service: _, sampling_rate: __, ...details } = read.data;
  const text = level === 'INFO' ? message : `${level} ${message}`;
  return [{ at: Date.parse(timestamp), part, text, details }];
}

/**
 * NGINX writes whole seconds, at the end of a request: that is not before the functions have answered it. What they
 * have written of a request of the API with the same status is not told twice.
 */
function accessLines(
  accesses: readonly z.infer<typeof accessLineSchema>[],
  story: readonly StoryLine[],
): StoryLine[] {
  const answered = new Map(story.map((line) => [line.details['requestId'], line]));
  return accesses.flatMap(({ time, method, path, status, ...details }) => {
    const answer = answered.get(details.requestId);
    const isTold = path.startsWith('/api/') && answer?.details['status'] === status;
    if (isTold) return [];
    const at = Math.max(Date.parse(time), answer?.at ?? 0);
    const what = path.startsWith('/files/') ? 'download' : 'request';
    return [{ at, part: 'nginx', text: what, details: { method, path, status, ...details } }];
  });
}
