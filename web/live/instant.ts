/*
 * Instants are numbers here: milliseconds since 1970 with a fraction. A double holds the microseconds of PostgreSQL
 * exactly until the year 2255.
 */

const fractionDigits = /\.(\d+)/;

/** Returns an RFC 3339 timestamp as milliseconds, with the digits after the third; NaN if the text is not a timestamp. */
export function parseInstant(text: string): number {
  const digits = fractionDigits.exec(text)?.[1] ?? '';
  const ms = Date.parse(digits.length > 3 ? text.replace(digits, digits.slice(0, 3)) : text);
  return digits.length > 3 ? ms + Number(`0.${digits.slice(3)}`) : ms;
}

/** Returns milliseconds as RFC 3339 in UTC; a fraction of a millisecond is left out. */
export const toInstant = (ms: number): string => new Date(Math.floor(ms)).toISOString();

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Returns the length of a bucket, such as `10s`, in milliseconds; 0 for readings that are not in buckets. */
export function bucketMs(bucket: string | null): number {
  const [, count = '0', unit = 's'] = /^(\d+)(ms|s|m|h|d)$/.exec(bucket ?? '') ?? [];
  return Number(count) * (isUnit(unit) ? unitMs[unit] : 0);
}

const isUnit = (unit: string): unit is keyof typeof unitMs => Object.hasOwn(unitMs, unit);
