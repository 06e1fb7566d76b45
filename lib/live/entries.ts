import { z } from 'zod';
import { isAfter } from '../contracts/instant.ts';
import { withoutTrailing } from '../contracts/trim-trailing.ts';
import type { Reading } from '../ingest/reading.ts';

/** A reading on its way to the sockets. Its item is serialised once for all sockets. */
export interface Entry {
  topic: string;
  partition: number;
  epoch: number;
  offset: number;
  series: string;
  /** JSON of `[series, at, value]`. */
  json: string;
}

/** Returns the JSON of the item of a reading. */
export const itemJson = ({ series, atMicros, value }: Reading): string =>
  JSON.stringify([series, instantText(atMicros), value]);

/** Returns microseconds since 1970 as RFC 3339 in UTC, with as many digits as needed. */
export function instantText(micros: number): string {
  const wholeSeconds = Math.floor(micros / 1e6);
  const fraction = micros - wholeSeconds * 1e6;
  const seconds = new Date(wholeSeconds * 1e3).toISOString().slice(0, 19);
  if (fraction === 0) return `${seconds}Z`;
  const digits = String(fraction).padStart(6, '0');
  return `${seconds}.${withoutTrailing(digits, '0')}Z`;
}

const itemSchema = z.tuple([z.string(), z.string(), z.number()]);

/** Returns the entry with the latest time of each series. Of equal times the last one counts. */
export function latestOfSeries(entries: Iterable<Entry>): Entry[] {
  const latest = new Map<string, { entry: Entry; at: string }>();
  for (const entry of entries) {
    const [, at] = itemSchema.parse(JSON.parse(entry.json));
    const known = latest.get(entry.series);
    if (!known || !isAfter(known.at, at)) latest.set(entry.series, { entry, at });
  }
  return [...latest.values()].map(({ entry }) => entry);
}
