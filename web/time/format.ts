/* Times as the page shows them, always with their zone: `2 Mar 14:02 CET`. */

const formats = new Map<string, Intl.DateTimeFormat>();

/** Returns a cached formatter: creating one takes about 50 µs, and a list shows hundreds of times. */
export function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone} ${JSON.stringify(options)}`;
  let formatter = formats.get(key);
  if (!formatter) {
    // British English has names for European zones (CET) where American English writes GMT+1.
    formatter = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hourCycle: 'h23', ...options });
    formats.set(key, formatter);
  }
  return formatter;
}

function zonePart(zone: string, at: Date, timeZoneName: 'short' | 'shortOffset'): string {
  const parts = format(zone, { timeZoneName }).formatToParts(at);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? zone;
}

/** `UTC+1`, `UTC`. */
export const offsetName = (zone: string, at: Date): string =>
  zonePart(zone, at, 'shortOffset').replace('GMT', 'UTC').replace(/\+0$/, '');

/** `CET` where the zone has a common abbreviation, else its offset. */
export function zoneName(zone: string, at: Date): string {
  const name = zonePart(zone, at, 'short');
  return name.startsWith('GMT') && !isBritish(zone) ? offsetName(zone, at) : name;
}

/** `CET (UTC+1)`, `UTC`. */
export function zoneNameAndOffset(zone: string, at: Date): string {
  const name = zoneName(zone, at);
  const offset = offsetName(zone, at);
  return name === offset ? name : `${name} (${offset})`;
}

/** `14:02 CET` */
export function clock(zone: string, instant: string): string {
  const at = new Date(instant);
  return `${format(zone, { hour: '2-digit', minute: '2-digit' }).format(at)} ${zoneName(zone, at)}`;
}

/** `2 Mar 14:02 CET`, `2 Mar 2024 14:02 CET`; see `day`. */
export function dayAndClock(zone: string, instant: string, otherEnd?: string): string {
  return `${day(zone, instant, otherEnd)} ${clock(zone, instant)}`;
}

/**
 * `2 Mar`, `2 Mar 2024`: with the year if it is not the current year. Both ends of a range show the year if one of
 * them has to.
 */
export function day(zone: string, instant: string, otherEnd = instant): string {
  const dayAndMonth = { day: 'numeric', month: 'short' } as const;
  const yearOf = (at: Date): string => format(zone, { year: 'numeric' }).format(at);
  const currentYear = yearOf(new Date());
  const isThisYear = [instant, otherEnd].every((end) => yearOf(new Date(end)) === currentYear);
  return format(zone, isThisYear ? dayAndMonth : { ...dayAndMonth, year: 'numeric' }).format(
    new Date(instant),
  );
}

/** `Today`, `Yesterday`, `2 March`, `2 March 2024`. */
export function dayName(zone: string, instant: string): string {
  const fullDay = format(zone, { day: 'numeric', month: 'long', year: 'numeric' });
  const name = fullDay.format(new Date(instant));
  if (name === fullDay.format(new Date())) return 'Today';
  if (name === fullDay.format(new Date(Date.now() - 86_400_000))) return 'Yesterday';
  const thisYear = ` ${format(zone, { year: 'numeric' }).format(new Date())}`;
  return name.endsWith(thisYear) ? name.slice(0, -thisYear.length) : name;
}

/** `2 Mar 2026, 14:02:10 CET (UTC+1)` */
export function exactTime(zone: string, instant: string): string {
  const at = new Date(instant);
  const date = format(zone, { day: 'numeric', month: 'short', year: 'numeric' }).format(at);
  const time = format(zone, { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(at);
  return `${date}, ${time} ${zoneNameAndOffset(zone, at)}`;
}

function isBritish(zone: string): boolean {
  return zone === 'Europe/London' || zone === 'GMT' || zone === 'Etc/GMT';
}
