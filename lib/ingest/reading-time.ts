import { RejectedRecordError } from './rejected-record.ts';

/** The time of a reading has microseconds, as PostgreSQL stores them: what is finer is cut off. */
const microsPerSecond = 1_000_000;
const microsPerMinute = 60 * microsPerSecond;
const microsPerHour = 60 * microsPerMinute;
const microsPerDay = 24 * microsPerHour;

const form =
  'must be a date and time like 2026-03-01T00:00:00Z (RFC 3339), or the time since 1970 in s, ms, µs or ns';

/**
 * Returns the microseconds since 1970 of a time as producers send it: RFC 3339 with offset, or a number since 1970,
 * also as a string of digits, whose magnitude tells the unit: seconds < 1e11 ≤ ms < 1e14 ≤ µs < 1e17 ≤ ns. Numbers from
 * 2^53 on are exact only as strings. Throws a `RejectedRecordError`.
 */
export function microsOf(at: unknown): number {
  if (typeof at === 'string') return isNumeric(at) ? microsOfDigits(at) : microsOfText(at);
  if (typeof at === 'number' && Number.isFinite(at)) return microsOfNumber(at);
  throw new RejectedRecordError(`at: ${form}`);
}

function microsOfNumber(at: number): number {
  const magnitude = Math.abs(at);
  // A double has a time of today to half a microsecond in each of the units, so rounding finds the sent digits.
  if (magnitude < 1e11) return Math.round(at * 1e6);
  if (magnitude < 1e14) return Math.round(at * 1e3);
  return magnitude < 1e17 ? Math.floor(at) : Math.floor(at / 1e3);
}

const numeric = /^-?\d{1,19}(?:\.\d{1,12})?$/;
const isNumeric = (text: string): boolean => numeric.test(text);

/** Exact for all digits. */
function microsOfDigits(text: string): number {
  const [whole = '', fraction = ''] = text.split('.');
  const number = Number(text);
  const magnitude = Math.abs(number);
  if (magnitude < 1e14) return microsOfNumber(number);
  if (magnitude < 1e17) return Math.floor(number);
  const nanos = BigInt(whole);
  const micros = nanos / 1_000n;
  const isCut = nanos < 0n && (micros * 1_000n !== nanos || /[1-9]/.test(fraction));
  return Number(isCut ? micros - 1n : micros);
}

const daysPerMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const daysIn = (year: number, month: number): number =>
  month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
    ? 29
    : (daysPerMonth[month - 1] ?? 0);

/** Returns the days from 1970-01-01 in the Gregorian calendar. https://howardhinnant.github.io/date_algorithms.html */
function daysSince1970(year: number, month: number, day: number): number {
  const years = month > 2 ? year : year - 1;
  const era = Math.floor(years / 400);
  const yearOfEra = years - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

const zero = '0'.charCodeAt(0);

/** Returns the number that these characters write, NaN if one of them is no digit. */
function digitsAt(text: string, from: number, to: number): number {
  let number = 0;
  for (let index = from; index < to; index++) {
    const digit = text.charCodeAt(index) - zero;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

/** Faster than a regular expression and Date: a producer may send a million of them. */
function microsOfText(text: string): number {
  const year = digitsAt(text, 0, 4);
  const month = digitsAt(text, 5, 7);
  const day = digitsAt(text, 8, 10);
  const hour = digitsAt(text, 11, 13);
  const minute = digitsAt(text, 14, 16);
  const second = digitsAt(text, 17, 19);
  const separator = text.charAt(10);
  const isForm =
    text.charAt(4) === '-' &&
    text.charAt(7) === '-' &&
    (separator === 'T' || separator === 't' || separator === ' ') &&
    text.charAt(13) === ':' &&
    text.charAt(16) === ':';
  // NaN is in no range.
  if (!(isForm && year >= 1)) throw new RejectedRecordError(`at: ${form}`);
  if (
    !(
      day >= 1 &&
      month >= 1 &&
      month <= 12 &&
      day <= daysIn(year, month) &&
      hour <= 23 &&
      minute <= 59 &&
      second <= 59
    )
  )
    throw new RejectedRecordError('at: is not a date and time that exists');
  let end = 19;
  let micros = 0;
  if (text.charAt(end) === '.') {
    const from = ++end;
    while (digitsAt(text, end, end + 1) >= 0) end++;
    if (end === from) throw new RejectedRecordError(`at: ${form}`);
    micros = Number(text.slice(from, Math.min(end, from + 6)).padEnd(6, '0'));
  }
  return (
    daysSince1970(year, month, day) * microsPerDay +
    hour * microsPerHour +
    (minute - offsetMinutes(text, end)) * microsPerMinute +
    second * microsPerSecond +
    micros
  );
}

function offsetMinutes(text: string, at: number): number {
  const sign = text.charAt(at);
  if ((sign === 'Z' || sign === 'z') && text.length === at + 1) return 0;
  const hours = digitsAt(text, at + 1, at + 3);
  const minutes = digitsAt(text, at + 4, at + 6);
  const isForm =
    (sign === '+' || sign === '-') &&
    text.charAt(at + 3) === ':' &&
    text.length === at + 6 &&
    hours <= 23 &&
    minutes <= 59;
  if (!isForm) throw new RejectedRecordError(`at: ${form}; its offset is missing or wrong`);
  return (sign === '-' ? -1 : 1) * (hours * 60 + minutes);
}

/** Which times a reading may have when it arrives, in microseconds since 1970. */
export interface TimeBounds {
  oldest: number;
  newest: number;
}

interface TimeRules {
  retentionDays?: number | undefined;
  maxAgeDays: number;
  maxFutureSeconds: number;
}

/** @param now milliseconds since 1970 */
export function timeBounds(
  now: number,
  { retentionDays = Infinity, maxAgeDays, maxFutureSeconds }: TimeRules,
): TimeBounds {
  return {
    oldest: now * 1_000 - Math.min(maxAgeDays, retentionDays) * microsPerDay,
    newest: now * 1_000 + maxFutureSeconds * microsPerSecond,
  };
}

/** Throws a `RejectedRecordError` if a reading of this time comes too late or from the future. */
export function checkTime(micros: number, { oldest, newest }: TimeBounds): void {
  if (micros >= oldest && micros <= newest) return;
  const side = micros < oldest ? 'too old: the oldest is' : 'in the future: the latest is';
  const bound = micros < oldest ? oldest : newest;
  throw new RejectedRecordError(`at: is ${side} ${new Date(bound / 1_000).toISOString()}`);
}
