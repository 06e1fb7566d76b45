import { withoutTrailing } from './trim-trailing.ts';

const rfc3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/**
 * Parses an RFC 3339 date-time and returns the same instant in UTC, `YYYY-MM-DDTHH:MM:SS[.ffffff]Z`, without trailing
 * zeros in the fraction, so that equal instants are equal strings. Returns an error message if the text is no such
 * instant. PostgreSQL stores microseconds: finer fractions are rejected, not rounded.
 */
export function canonicalInstant(text: string): { instant: string } | { wrong: string } {
  const match = rfc3339.exec(text);
  if (!match) return { wrong: 'must be a date and time like 2026-03-01T00:00:00Z (RFC 3339)' };
  const [, year = '', month = '', day = '', hour = '', minute = '', second = '', fraction = ''] =
    match;
  const digits = withoutTrailing(fraction, '0');
  if (digits.length > 6) return { wrong: 'has more than 6 digits in the fraction of a second' };
  const local = new Date(0);
  local.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const dayExists =
    Number(year) > 0 &&
    local.getUTCMonth() === Number(month) - 1 &&
    local.getUTCDate() === Number(day);
  if (!dayExists || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59)
    return { wrong: 'is not a date and time that exists' };
  const offsetMinutes =
    (match[8] === '-' ? -1 : 1) * (Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0));
  if (Math.abs(offsetMinutes) >= 24 * 60) return { wrong: 'has an offset of a day or more' };
  local.setUTCHours(Number(hour), Number(minute) - offsetMinutes, Number(second));
  if (local.getUTCFullYear() < 1 || local.getUTCFullYear() > 9999)
    return { wrong: 'is outside the years 1 to 9999' };
  const seconds = local.toISOString().slice(0, 19);
  return { instant: `${seconds}${digits === '' ? '' : `.${digits}`}Z` };
}
