const dayMilliseconds = 86_400_000;
/** Days from 1899-12-30, the day 0 of the 1900 system behind its 29 February 1900, to 1970-01-01. */
const daysBefore1970 = 25_569;
/** 9999-12-31 23:59:59.999, behind which a spreadsheet has no time. */
const last = 2_958_465 + 86_399.999 / 86_400;

const day = /^(\d{4})-(\d\d)-(\d\d)$/;
const moment = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d(?:\.\d+)?)$/;

/**
 * The number of a day or moment in the 1900 date system (ECMA-376 part 1, 18.17.4.1), of which day 60 is
 * a 29 February that never was. Undefined where there is none, or not the same in every program: before
 * 1900-03-01, after the year 9999, infinite.
 */
export function serialOf(text: string): number | undefined {
  // As text: years of four digits are in order, and all else that PostgreSQL writes fits no pattern.
  if (text < '1900-03-01') return undefined;
  const found = text.length === 10 ? day.exec(text) : moment.exec(text);
  if (!found) return undefined;
  const [, year, month, date, hours = 0, minutes = 0, seconds = 0] = found;
  const days = Date.UTC(Number(year), Number(month) - 1, Number(date)) / dayMilliseconds;
  const time = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) / 86_400;
  const serial = days + daysBefore1970 + time;
  return serial <= last ? serial : undefined;
}
