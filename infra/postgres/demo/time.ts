// Instants are whole microseconds since 1970-01-01 UTC, the resolution of timestamptz. Until the year 2255 a number
// represents them exactly.

export const microsPerSecond = 1_000_000;
export const microsPerHour = 3600 * microsPerSecond;
export const microsPerDay = 24 * microsPerHour;

/** Returns midnight UTC at the start of a day in the form YYYY-MM-DD. */
export function startOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) * 1000;
}

/** Returns the date of the instant in UTC as YYYY-MM-DD. */
export function dateText(instant: number): string {
  return hourText(instant).slice(0, 10);
}

/** Returns the instant in UTC in ISO 8601 with six fractional digits. */
export function timestampText(instant: number): string {
  const inHour = instant % microsPerHour;
  const minute = Math.floor(inHour / (60 * microsPerSecond));
  const seconds = String(100 * microsPerSecond + (inHour % (60 * microsPerSecond)));
  return `${hourText(instant)}${twoDigits[minute]}:${seconds.slice(1, 3)}.${seconds.slice(3)}Z`;
}

// Over a million timestamps fall into about 40,000 hours: the text of each hour is cached.
const hours = new Map<number, string>();
const twoDigits = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'));

function hourText(instant: number): string {
  const hour = Math.floor(instant / microsPerHour);
  let text = hours.get(hour);
  if (text === undefined) {
    text = new Date(hour * (microsPerHour / 1000)).toISOString().slice(0, 14);
    hours.set(hour, text);
  }
  return text;
}
