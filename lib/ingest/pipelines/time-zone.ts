/** Which instants a wall time in a zone is: none in the gap of a clock set forward, two when the clock was set back. */
export type WallClock = (wallSeconds: number) => readonly number[];

const daySeconds = 86_400;
/** Since then offsets have changed on whole minutes only, so that a minute has one answer. */
const firstCachedSecond = Date.UTC(1973, 0, 1) / 1_000;
const minuteSeconds = 60;
const maxCached = 10_000;

/**
 * Returns the clock of a zone of the IANA database, as the ICU data of Node has it. Throws an error if the zone is
 * unknown.
 */
export function wallClockOf(zone: string): WallClock {
  const offsetAt = offsetsOf(zone);
  const cache = new Map<number, readonly number[]>();
  return (wallSeconds) => {
    if (wallSeconds < firstCachedSecond) return instantsOf(wallSeconds, offsetAt);
    const minute = Math.floor(wallSeconds / minuteSeconds);
    let instants = cache.get(minute);
    if (instants === undefined) {
      instants = instantsOf(minute * minuteSeconds, offsetAt);
      if (cache.size >= maxCached) cache.clear();
      cache.set(minute, instants);
    }
    const rest = wallSeconds - minute * minuteSeconds;
    return instants.map((instant) => instant + rest);
  };
}

/**
 * Returns the instants, in their order, at which the clock shows this time. No zone changed its offset twice within two
 * days, so the offsets of a day before and a day after are all that are possible.
 */
function instantsOf(
  wallSeconds: number,
  offsetAt: (instantSeconds: number) => number,
): readonly number[] {
  const offsets = new Set(
    [-daySeconds, 0, daySeconds].map((distance) => offsetAt(wallSeconds + distance)),
  );
  return [...offsets]
    .map((offset) => wallSeconds - offset)
    .filter((instant) => instant + offsetAt(instant) === wallSeconds)
    .toSorted((a, b) => a - b);
}

/** Returns a function from an instant to the offset of the zone, both in seconds. */
function offsetsOf(zone: string): (instantSeconds: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (instantSeconds) => {
    // 11/28/2026, 01:30:00
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = format
      .format(instantSeconds * 1_000)
      .split(/\D+/)
      .map(Number);
    const wall = Date.UTC(year, month - 1, day, hour, minute, second) / 1_000;
    return wall - instantSeconds;
  };
}
