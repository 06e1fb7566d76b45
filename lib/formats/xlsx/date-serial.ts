const dayMs = 86_400_000;
/** Days from 1899-12-30 to 1970-01-01. 1899-12-30 is day 0 for dates after the 29 February 1900 of the 1900 system. */
const daysBefore1970 = 25_569;
/** 9999-12-31 23:59:59.999, the last time that a spreadsheet supports. */
const maxSerial = 2_958_465 + 86_399.999 / 86_400;

const day = /^(\d{4})-(\d\d)-(\d\d)$/;
const timestamp = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d(?:\.\d+)?)$/;

/**
 * Returns the number of a date or timestamp in the 1900 date system (ECMA-376 part 1, 18.17.4.1), whose day 60 is a
 * 29 February that did not exist. Returns undefined if there is no number, or programs differ: before 1900-03-01,
 * after the year 9999, infinite.
 */
export function toDateSerial(text: string): number | undefined {
  // Compares text: years of four digits sort correctly, and any other year matches no pattern below.
  if (text < '1900-03-01') return undefined;
  const found = text.length === 10 ? day.exec(text) : timestamp.exec(text);
  if (!found) return undefined;
  const [, year, month, date, hours = 0, minutes = 0, seconds = 0] = found;
  const days = Date.UTC(Number(year), Number(month) - 1, Number(date)) / dayMs;
  const time = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) / 86_400;
  const serial = days + daysBefore1970 + time;
  return serial <= maxSerial ? serial : undefined;
}
