import type { LiveMessage, ResyncReason } from '../contracts/live.ts';
import { liveLimits } from '../contracts/live.ts';
import { encodeCursor, type Position } from './cursor.ts';
import type { Entry } from './entries.ts';
import { MovingPosition } from './position.ts';

/** Where in the chain of a connection its next messages are. */
interface Link {
  /** `next` of its last message. */
  prev: string;
  /** The position of the first entry, or before it. */
  start: Position;
  /** `next` of the last message. */
  end: string;
  /** Returns the `next` of a message that is not the last one, by default the cursor of its position. */
  cursorOf?: (position: Position) => string;
}

const head = (prev: string, next: string): string =>
  `{"type":"readings","prev":${JSON.stringify(prev)},"next":${JSON.stringify(next)},"items":[`;
const tail = ']}';

/** A cursor within the messages has a few digits more or fewer than the first and the last one. */
const cursorReserve = 64;

/**
 * Returns the texts of the messages that bring these entries, of at most `maxBytes` each: one, without items if there
 * are no entries, or as many as are needed. A client that has got only the first of them can continue from their
 * cursors. Only a record with more readings than fit into a message is continued from its beginning.
 */
export function readingsMessages(
  entries: readonly Entry[],
  { prev, start, end, cursorOf = encodeCursor }: Link,
  maxBytes: number = liveLimits.messageBytes,
): string[] {
  const room =
    maxBytes - head(prev, end).length - Math.abs(prev.length - end.length) - cursorReserve;
  const all = entries.map(({ json }) => json).join(',');
  if (Buffer.byteLength(all) <= room) return [head(prev, end) + all + tail];

  const messages: string[] = [];
  const reached = new MovingPosition(start);
  let last = prev;
  let items: string[] = [];
  let bytes = 0;
  const flush = (next: string): void => {
    messages.push(head(last, next) + items.join(',') + tail);
    [last, items, bytes] = [next, [], 0];
  };
  const flushIfFull = (more: number): void => {
    if (items.length > 0 && bytes + more > room) flush(cursorOf(reached.snapshot()));
  };
  for (const record of recordsOf(entries)) {
    flushIfFull(record.reduce((sum, { json }) => sum + sizeOf(json), 0));
    for (const { json } of record) {
      flushIfFull(sizeOf(json));
      items.push(json);
      bytes += sizeOf(json);
    }
    const [{ topic, partition, epoch, offset }] = record;
    reached.advance({ topic, partition, epoch, nextOffset: offset + 1 });
  }
  flush(end);
  return messages;
}

/** With the comma after it. */
const sizeOf = (json: string): number => Buffer.byteLength(json) + 1;

/** Returns the entries of each record. */
function recordsOf(entries: readonly Entry[]): [Entry, ...Entry[]][] {
  const records: [Entry, ...Entry[]][] = [];
  for (const entry of entries) {
    const record = records.at(-1);
    if (record && isOfSameRecord(record[0], entry)) record.push(entry);
    else records.push([entry]);
  }
  return records;
}

const isOfSameRecord = (a: Entry, b: Entry): boolean =>
  a.offset === b.offset &&
  a.partition === b.partition &&
  a.topic === b.topic &&
  a.epoch === b.epoch;

/**
 * Returns a message without items. A client whose last `next` is another one has a gap, and subscribes again from it; for
 * all others it changes nothing.
 */
export const emptyMessage = (cursor: string): string => head(cursor, cursor) + tail;

export const messageText = (message: LiveMessage): string => JSON.stringify(message);

export const resyncMessage = (reason: ResyncReason, next: string): string =>
  messageText({ type: 'resync-required', reason, next });
