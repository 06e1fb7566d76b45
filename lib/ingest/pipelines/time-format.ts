/** A date and time of a clock on a wall: what an instant is depends on the zone. */
export interface WallTime {
  /** Seconds from 1970-01-01 00:00 on that clock. */
  seconds: number;
  /** 0 to 999,999. */
  micros: number;
  /** Offset from UTC in minutes, if the text has one. */
  offsetMinutes?: number;
}

/** Parses a text. Throws an error that says what is wrong. */
export type TimeParser = (text: string) => WallTime;

type Part =
  | 'year'
  | 'shortYear'
  | 'month'
  | 'monthName'
  | 'day'
  | 'hour'
  | 'hour12'
  | 'minute'
  | 'second'
  | 'fraction'
  | 'half'
  | 'offset';

const monthNames = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];

/** The letters of Unicode's date patterns (https://unicode.org/reports/tr35/tr35-dates.html) that a format may have. */
const letters: Readonly<Record<string, { part: Part; pattern: string }>> = {
  yyyy: { part: 'year', pattern: String.raw`\d{4}` },
  yy: { part: 'shortYear', pattern: String.raw`\d{2}` },
  MM: { part: 'month', pattern: String.raw`\d{2}` },
  M: { part: 'month', pattern: String.raw`\d{1,2}` },
  MMM: { part: 'monthName', pattern: '[A-Za-z]{3}' },
  MMMM: { part: 'monthName', pattern: '[A-Za-z]{3,9}' },
  dd: { part: 'day', pattern: String.raw`\d{2}` },
  d: { part: 'day', pattern: String.raw`\d{1,2}` },
  HH: { part: 'hour', pattern: String.raw`\d{2}` },
  H: { part: 'hour', pattern: String.raw`\d{1,2}` },
  hh: { part: 'hour12', pattern: String.raw`\d{2}` },
  h: { part: 'hour12', pattern: String.raw`\d{1,2}` },
  mm: { part: 'minute', pattern: String.raw`\d{2}` },
  ss: { part: 'second', pattern: String.raw`\d{2}` },
  a: { part: 'half', pattern: '[AaPp][Mm]' },
  XXX: { part: 'offset', pattern: String.raw`[Zz]|[+-]\d{2}:\d{2}` },
  XX: { part: 'offset', pattern: String.raw`[Zz]|[+-]\d{4}` },
};

const fractionLetters = /^S{1,9}$/;

/**
 * Compiles a format like `dd.MM.yyyy HH:mm:ss`. Letters between apostrophes are taken as they are, two apostrophes are
 * one. Throws an error that says what is wrong with the format.
 */
export function compileTimeFormat(format: string): TimeParser {
  const parts: Part[] = [];
  let pattern = '';
  for (const [token, quoted, run] of format.matchAll(/'((?:[^']|'')*)'|([A-Za-z])\2*|[^]/g)) {
    if (quoted !== undefined) {
      pattern += escaped(quoted === '' ? "'" : quoted.replaceAll("''", "'"));
      continue;
    }
    if (run === undefined) {
      if (token === "'") throw new Error('has an apostrophe that is not closed');
      pattern += escaped(token);
      continue;
    }
    const { part, pattern: partPattern } = fractionLetters.test(token)
      ? { part: 'fraction' as const, pattern: String.raw`\d{${token.length}}` }
      : (letters[token] ?? unknownLetters(token));
    if (parts.includes(part)) throw new Error(`has ${names[part]} twice`);
    parts.push(part);
    pattern += `(${partPattern})`;
  }
  checkParts(parts);
  const regex = new RegExp(`^${pattern}$`);
  return (text) => {
    const match = regex.exec(text);
    if (!match) throw new Error(`is not in the format ${format}`);
    return wallTimeOf(new Map(parts.map((part, index) => [part, match[index + 1] ?? ''])));
  };
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);

function unknownLetters(token: string): never {
  throw new Error(
    `has ${token}; known are ${Object.keys(letters).join(' ')} S to SSSSSSSSS, and letters between apostrophes`,
  );
}

const names: Readonly<Record<Part, string>> = {
  year: 'the year',
  shortYear: 'the year',
  month: 'the month',
  monthName: 'the month',
  day: 'the day',
  hour: 'the hour',
  hour12: 'the hour',
  minute: 'the minute',
  second: 'the second',
  fraction: 'the fraction of a second',
  half: 'AM or PM',
  offset: 'the offset',
};

function checkParts(parts: readonly Part[]): void {
  const has = (part: Part): boolean => parts.includes(part);
  if (has('year') === has('shortYear')) throw new Error('must have the year once: yyyy or yy');
  if (has('month') === has('monthName')) throw new Error('must have the month once: MM, M or MMM');
  if (!has('day')) throw new Error('must have the day: dd or d');
  if (has('hour') && has('hour12')) throw new Error('must have the hour once: HH or hh');
  if (has('hour12') !== has('half')) throw new Error('must have hh together with a (AM or PM)');
  if (has('minute') && !has('hour') && !has('hour12')) throw new Error('must have the hour');
  if (has('second') && !has('minute')) throw new Error('must have the minute: mm');
  if (has('fraction') && !has('second')) throw new Error('must have the second: ss');
}

function wallTimeOf(parts: ReadonlyMap<Part, string>): WallTime {
  const number = (part: Part): number => Number(parts.get(part) ?? 0);
  const year = parts.has('year') ? number('year') : 2000 + number('shortYear');
  const month = parts.has('month') ? number('month') : monthOf(parts.get('monthName') ?? '');
  const time = {
    year,
    month,
    day: number('day'),
    hour: hourOf(parts),
    minute: number('minute'),
    second: number('second'),
  };
  const micros = Number((parts.get('fraction') ?? '').slice(0, 6).padEnd(6, '0'));
  const offset = parts.get('offset');
  return {
    seconds: wallSeconds(time),
    micros,
    ...(offset === undefined ? {} : { offsetMinutes: minutesOf(offset) }),
  };
}

/** Takes a name of a month or its first three letters. */
function monthOf(name: string): number {
  const lower = name.toLowerCase();
  const index = monthNames.findIndex(
    (month) => month === lower || (lower.length === 3 && month.startsWith(lower)),
  );
  if (index === -1) throw new Error(`has ${name}, which is no month`);
  return index + 1;
}

function hourOf(parts: ReadonlyMap<Part, string>): number {
  const half = parts.get('half')?.toLowerCase();
  if (half === undefined) return Number(parts.get('hour') ?? 0);
  const hour = Number(parts.get('hour12'));
  if (hour < 1 || hour > 12) throw new Error(`has the hour ${hour} of a clock with 12 hours`);
  return (hour % 12) + (half === 'pm' ? 12 : 0);
}

function minutesOf(offset: string): number {
  if (/^z$/i.test(offset)) return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(-2));
  if (hours > 23 || minutes > 59) throw new Error(`has the offset ${offset}`);
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

interface WallFields {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

/** Returns the seconds since 1970-01-01 00:00 of the same clock. Throws an error if there is no such date or time. */
function wallSeconds({ year, month, day, hour, minute, second }: WallFields): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const dayExists = year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!dayExists || hour > 23 || minute > 59 || second > 59)
    throw new Error('is not a date and time that exists');
  return date.getTime() / 1_000 + hour * 3_600 + minute * 60 + second;
}

const isoParts = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?$/;

/** Parses a date and time without offset: `2026-03-01T14:05:09.25`, with a space for the T, or without seconds or time. */
export const parseNaiveIso: TimeParser = (text) => {
  const match = isoParts.exec(text);
  if (!match) throw new Error('is not a date and time like 2026-03-01T14:05:09');
  const number = (index: number): number => Number(match[index] ?? 0);
  return {
    seconds: wallSeconds({
      year: number(1),
      month: number(2),
      day: number(3),
      hour: number(4),
      minute: number(5),
      second: number(6),
    }),
    micros: Number((match[7] ?? '').slice(0, 6).padEnd(6, '0')),
  };
};
