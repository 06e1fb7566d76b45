/** Times as the page shows them, always with their zone: `2 Mar 14:02 CET`. */

const formats = new Map<string, Intl.DateTimeFormat>();

/** A formatter costs about 50 µs to make and a list shows hundreds of times. */
export function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone} ${JSON.stringify(options)}`;
  let made = formats.get(key);
  if (!made) {
    // British English has names for European zones (CET) where American English writes GMT+1.
    made = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hourCycle: 'h23', ...options });
    formats.set(key, made);
  }
  return made;
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

/** `2 Mar 14:02 CET`; with the year when it is not this one. */
export function dayAndClock(zone: string, instant: string): string {
  return `${day(zone, instant)} ${clock(zone, instant)}`;
}

/** `2 Mar`, `2 Mar 2024` */
export function day(zone: string, instant: string): string {
  const at = new Date(instant);
  const inYear = { day: 'numeric', month: 'short' } as const;
  const year = format(zone, { year: 'numeric' });
  return year.format(at) === year.format(new Date())
    ? format(zone, inYear).format(at)
    : format(zone, { ...inYear, year: 'numeric' }).format(at);
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
