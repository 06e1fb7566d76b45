import { microsOf } from '../reading-time.ts';
import type { RepeatedTime, TimeUnit } from './definition.ts';
import { parseNaiveIso, type TimeParser, type WallTime } from './time-format.ts';
import type { WallClock } from './time-zone.ts';

export interface TimeSettings {
  /** Of numbers; absent: by their magnitude. */
  unit?: TimeUnit | undefined;
  /** Of texts; absent: RFC 3339, or the same without offset if there is a clock. */
  parse?: TimeParser | undefined;
  /** Of texts without offset. Absent: they are refused. */
  clock?: WallClock | undefined;
  /** What to do with a time that the clock showed twice. */
  repeated: RepeatedTime;
}

const microsPerSecond = 1_000_000;

/** Returns microseconds since 1970. Throws an error that says what is wrong with `at`. */
export function instantOf(sent: unknown, settings: TimeSettings): number {
  const { unit, parse, clock } = settings;
  const at = typeof sent === 'string' ? sent.trim() : sent;
  if (typeof at !== 'string' && typeof at !== 'number') throw new Error('is no text and no number');
  if (parse) return microsOfWall(parse(String(at)), settings);
  if (unit && (typeof at === 'number' || isDigits(at))) return microsOfEpoch(String(at), unit);
  if (clock && typeof at === 'string' && !isDigits(at) && !hasOffset(at))
    return microsOfWall(parseNaiveIso(at), settings);
  return microsOf(at);
}

const isDigits = (text: string): boolean => /^-?\d{1,20}(?:\.\d{1,20})?$/.test(text);
const hasOffset = (text: string): boolean => /(?:z|[+-]\d\d:?\d\d)$/i.test(text.slice(10));

function microsOfWall(
  { seconds, micros, offsetMinutes }: WallTime,
  settings: TimeSettings,
): number {
  const instant =
    offsetMinutes === undefined ? resolved(seconds, settings) : seconds - offsetMinutes * 60;
  return instant * microsPerSecond + micros;
}

function resolved(seconds: number, { clock, repeated }: TimeSettings): number {
  if (!clock) throw new Error('has no offset, and the pipeline names no time.zone');
  const [first, second] = clock(seconds);
  if (first === undefined)
    throw new Error('does not exist in this zone: its clocks were set forward over it');
  if (second === undefined || repeated === 'earlier') return first;
  if (repeated === 'later') return second;
  throw new Error('was shown twice in this zone, by clocks that were set back: see time.repeated');
}

/** Powers of ten from the unit to microseconds. */
const shifts: Readonly<Record<TimeUnit, number>> = { s: 6, ms: 3, us: 0, ns: -3 };

/** Exact for all digits; what is finer than microseconds is cut off. */
function microsOfEpoch(text: string, unit: TimeUnit): number {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!match) throw new Error('is not a number of digits');
  const [, sign = '', whole = '', fraction = ''] = match;
  const shift = shifts[unit];
  const micros =
    shift < 0 ? whole.slice(0, shift) : whole + fraction.slice(0, shift).padEnd(shift, '0');
  const number = Number(`${sign}${micros === '' ? '0' : micros}`);
  if (!Number.isSafeInteger(number)) throw new Error('is not within 280 years of 1970');
  return number;
}
