// Instants are whole microseconds since 1970-01-01 UTC, the resolution of timestamptz; until the year 2255
// they are exact in a number.

export const SECOND = 1_000_000;
export const HOUR = 3600 * SECOND;
export const DAY = 24 * HOUR;

/** Midnight UTC at the start of the day, given as YYYY-MM-DD. */
export function startOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) * 1000;
}

/** YYYY-MM-DD of the instant, in UTC. */
export function dateText(instant: number): string {
  return hourText(instant).slice(0, 10);
}

/** The instant in ISO 8601 with six digits after the second, in UTC. */
export function timestampText(instant: number): string {
  const inHour = instant % HOUR;
  const minute = Math.floor(inHour / (60 * SECOND));
  const seconds = String(100 * SECOND + (inHour % (60 * SECOND)));
  return `${hourText(instant)}${twoDigits[minute]}:${seconds.slice(1, 3)}.${seconds.slice(3)}Z`;
}

// Over a million timestamps are written, in some forty thousand hours: the text of an hour is kept.
const hours = new Map<number, string>();
const twoDigits = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'));

function hourText(instant: number): string {
  const hour = Math.floor(instant / HOUR);
  let text = hours.get(hour);
  if (text === undefined) {
    text = new Date(hour * (HOUR / 1000)).toISOString().slice(0, 14);
    hours.set(hour, text);
  }
  return text;
}
