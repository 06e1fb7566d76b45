import type { Origin } from './dead-letter.ts';
import type { Header, MessageParts } from './message-headers.ts';

/** What a dead letter says: the record as it was, and why it could not be handled. */
export interface ReadLetter {
  record: MessageParts;
  reason: string | null;
  /** Null if the letter does not say it, as one that another program has written. */
  origin: Origin | null;
  /** Whether the letter has only a part of the record. */
  cut: boolean;
}

/** The headers that `letterOf` adds after those of the record. */
const added = ['reason', 'topic', 'partition', 'offset'];

/**
 * Returns the content of a dead letter. The record may have headers of the same names; those that were added are the
 * last ones.
 */
export function readLetter({ key, value, headers }: MessageParts): ReadLetter {
  const lastOf = (name: string): number => headers.findLastIndex((header) => header.key === name);
  const firstAdded = Math.min(...added.map((name) => headers.findIndex((it) => it.key === name)));
  // A letter that was cut says so in its last header; an earlier one is the record's own.
  const cutAt = lastOf('cut');
  const isCut = cutAt >= 0 && (isRepeated(headers, 'cut') || cutAt > firstAdded);
  const removed = new Set([...added.map(lastOf), ...(isCut ? [cutAt] : [])]);
  const textOf = (name: string): string | null => headers[lastOf(name)]?.value.toString() ?? null;
  return {
    record: { key, value, headers: headers.filter((_, n) => !removed.has(n)) },
    reason: textOf('reason'),
    origin: originOf(textOf('topic'), textOf('partition'), textOf('offset')),
    cut: isCut,
  };
}

const isRepeated = (headers: readonly Header[], name: string): boolean =>
  headers.filter((header) => header.key === name).length > 1;

function originOf(
  topic: string | null,
  partition: string | null,
  offset: string | null,
): Origin | null {
  if (topic === null || !isCount(partition) || !isCount(offset)) return null;
  return { topic, partition: Number(partition), offset: Number(offset) };
}

const isCount = (text: string | null): boolean => text !== null && /^\d{1,15}$/.test(text);
