import { createHash } from 'node:crypto';
import { sizes } from '../contracts/sizes.ts';
import type { Header, MessageParts } from './header.ts';

interface Bounds {
  key: number;
  value: number;
  /** Names and values together, and 64 bytes for each header: clients are slow with thousands of them. */
  headers: number;
}

/** What is larger than a request was none: of that, and of what would be no header, the beginning is enough. */
const whole: Bounds = { key: 8_192, value: sizes.requestBytes, headers: 32_768 };
/** For a broker that does not take even that. */
const short: Bounds = { key: 256, value: 4_096, headers: 4_096 };

const reasonCharacters = 1_000;

export interface Origin {
  topic: string;
  partition: number;
  offset: number;
}

/**
 * Returns a record as a dead letter: its bytes and headers as they were, and behind them headers that say
 * why and whence. What does not fit is cut, and the header `cut` says how many bytes there were and their
 * SHA-256.
 */
export function letterOf(record: MessageParts, origin: Origin, reason: string): MessageParts {
  const kept = within(whole, record);
  const about = {
    reason: reason.slice(0, reasonCharacters).toWellFormed(),
    topic: origin.topic,
    partition: String(origin.partition),
    offset: String(origin.offset),
    ...cutOf(record, kept),
  };
  return { ...kept, headers: [...kept.headers, ...Object.entries(about).map(textHeader)] };
}

/** Returns a dead letter in a form that fits everywhere. Of headers the last are kept, as ours are. */
export function shortLetter(letter: MessageParts): MessageParts {
  const kept = within(short, letter);
  // The one that is there tells of the record, this one only of the letter.
  const isCut = letter.headers.at(-1)?.key === 'cut';
  const cut = isCut ? [] : Object.entries(cutOf(letter, kept)).map(textHeader);
  return { ...kept, headers: [...kept.headers, ...cut] };
}

const textHeader = ([key, text]: [string, string]): Header => ({ key, value: Buffer.from(text) });

function within(bounds: Bounds, { key, value, headers }: MessageParts): MessageParts {
  let left = bounds.headers;
  const fitting = headers.toReversed().filter((header) => {
    const bytes = bytesOf(header);
    if (bytes > left) return false;
    left -= bytes;
    return true;
  });
  return {
    key: key?.subarray(0, bounds.key) ?? null,
    value: value?.subarray(0, bounds.value) ?? null,
    headers: fitting.toReversed(),
  };
}

const bytesOf = ({ key, value }: Header): number => 64 + Buffer.byteLength(key) + value.length;

/** The header `cut`, where something was. */
function cutOf(all: MessageParts, kept: MessageParts): { cut?: string } {
  const wasCut = (name: 'key' | 'value'): boolean => all[name]?.length !== kept[name]?.length;
  const cut = {
    ...(wasCut('key') ? { key: digestOf([all.key]) } : {}),
    ...(wasCut('value') ? { value: digestOf([all.value]) } : {}),
    ...(all.headers.length === kept.headers.length
      ? {}
      : {
          headers: {
            count: all.headers.length,
            ...digestOf(all.headers.flatMap(({ key, value }) => [Buffer.from(key), value])),
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
