import { createHash } from 'node:crypto';
import { sizes } from '../contracts/sizes.ts';
import type { Header, MessageParts } from './message-headers.ts';

interface Bounds {
  key: number;
  value: number;
  /** Names and values together, and 64 bytes for each header: clients are slow with thousands of them. */
  headers: number;
}

/** A value larger than a request cannot be one, so its beginning is enough; so is that of a long key. */
const usualBounds: Bounds = { key: 8_192, value: sizes.requestBytes, headers: 32_768 };
/** Used if the broker rejects a letter within `usualBounds`. */
const shortBounds: Bounds = { key: 256, value: 4_096, headers: 4_096 };

const reasonCharacters = 1_000;

export interface Origin {
  topic: string;
  partition: number;
  offset: number;
}

/**
 * Returns a record as a dead letter: its bytes and headers unchanged, followed by headers with the reason and
 * the origin. A key, value or headers over `usualBounds` are cut; the header `cut` then has their original
 * number of bytes and SHA-256.
 */
export function letterOf(record: MessageParts, origin: Origin, reason: string): MessageParts {
  const kept = cutToBounds(usualBounds, record);
  const added = {
    reason: reason.slice(0, reasonCharacters).toWellFormed(),
    topic: origin.topic,
    partition: String(origin.partition),
    offset: String(origin.offset),
    ...cutOf(record, kept),
  };
  return { ...kept, headers: [...kept.headers, ...Object.entries(added).map(textHeader)] };
}

/** Returns a dead letter of at most 9 kB. The last headers are kept, because those that `letterOf` added are last. */
export function shortLetter(letter: MessageParts): MessageParts {
  const kept = cutToBounds(shortBounds, letter);
  // An existing `cut` describes the record; one computed here would describe the letter.
  const isCut = letter.headers.at(-1)?.key === 'cut';
  const cut = isCut ? [] : Object.entries(cutOf(letter, kept)).map(textHeader);
  return { ...kept, headers: [...kept.headers, ...cut] };
}

const textHeader = ([key, text]: [string, string]): Header => ({ key, value: Buffer.from(text) });

/** Keeps the last headers that fit. */
function cutToBounds(bounds: Bounds, { key, value, headers }: MessageParts): MessageParts {
  let bytesLeft = bounds.headers;
  const fittingReversed = headers.toReversed().filter((header) => {
    const bytes = bytesOf(header);
    if (bytes > bytesLeft) return false;
    bytesLeft -= bytes;
    return true;
  });
  return {
    key: key?.subarray(0, bounds.key) ?? null,
    value: value?.subarray(0, bounds.value) ?? null,
    headers: fittingReversed.toReversed(),
  };
}

const bytesOf = ({ key, value }: Header): number => 64 + Buffer.byteLength(key) + value.length;

/** Returns the header `cut` if `kept` has less than `original`. */
function cutOf(original: MessageParts, kept: MessageParts): { cut?: string } {
  const wasCut = (name: 'key' | 'value'): boolean => original[name]?.length !== kept[name]?.length;
  const cut = {
    ...(wasCut('key') ? { key: digestOf([original.key]) } : {}),
    ...(wasCut('value') ? { value: digestOf([original.value]) } : {}),
    ...(original.headers.length === kept.headers.length
      ? {}
      : {
          headers: {
            count: original.headers.length,
            ...digestOf(original.headers.flatMap(({ key, value }) => [Buffer.from(key), value])),
          },
        }),
  };
  return Object.keys(cut).length === 0 ? {} : { cut: JSON.stringify(cut) };
}

function digestOf(chunks: readonly (Buffer | null)[]): { bytes: number; sha256: string } {
  const hash = createHash('sha256');
  let bytes = 0;
  for (const chunk of chunks) {
    if (chunk === null) continue;
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
