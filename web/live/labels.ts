import { format, zoneName, zoneNameAndOffset } from '../time/format.ts';
import { duration } from '../ui/quantity.ts';
import type { Connection, FeedState } from './feed.ts';

const numbers = new Intl.NumberFormat('en-GB', { maximumSignificantDigits: 7 });

/** `3.2 bar`; `no value` for null. */
export function valueText(value: number | null, unit = ''): string {
  if (value === null) return 'no value';
  return unit === '' ? numbers.format(value) : `${numbers.format(value)} ${unit}`;
}

/** `14:02:10` */
export const clockText = (zone: string, at: number): string =>
  format(zone, { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(at);

/** `2 Mar 14:02:10` */
export const dayAndClockText = (zone: string, at: number): string =>
  `${format(zone, { day: 'numeric', month: 'short' }).format(at)} ${clockText(zone, at)}`;

/** `13:10–13:25`, `1 Mar 13:10–2 Mar 01:25`, `1 Mar–5 Apr` */
export function spanText(zone: string, from: number, to: number): string {
  const days = [from, to].map((at) => format(zone, { day: 'numeric', month: 'short' }).format(at));
  const times = [from, to].map((at) => clockText(zone, at).slice(0, 5));
  if (to - from > longSpanMs) return days.join('–');
  return days[0] === days[1] ? times.join('–') : `${days[0]} ${times[0]}–${days[1]} ${times[1]}`;
}

/** A span for which the day is exact enough. */
const longSpanMs = 3 * 86_400_000;

/** `Time in CET (UTC+1)` */
export const axisLabel = (zone: string, at: number): string =>
  `Time in ${zoneNameAndOffset(zone, new Date(at))}`;

export const zoneAt = (zone: string, at: number): string => zoneName(zone, new Date(at));

/** `0.4 s`, `12 s`, `3 min` */
export const lagText = (ms: number): string =>
  ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : duration(ms / 1_000);

/** A lag that is worth a warning. */
export const isLagging = (lagMs: number | null): lagMs is number => lagMs !== null && lagMs > 5_000;

/** The word for the connection. It is announced, so it has no numbers that change. */
export function connectionWord(
  { status }: Connection,
  paused: FeedState['paused'],
):
  | 'Live'
  | 'Catching up'
  | 'Connecting'
  | 'Reconnecting'
  | 'Polling every 5 s'
  | 'Offline'
  | 'Paused' {
  switch (status) {
    case 'live':
      return paused ? 'Paused' : 'Live';
    case 'catching-up':
      return paused ? 'Paused' : 'Catching up';
    case 'connecting':
      return 'Connecting';
    case 'reconnecting':
      return 'Reconnecting';
    case 'polling':
      return 'Polling every 5 s';
    case 'offline':
      return 'Offline';
    default:
      return status satisfies never;
  }
}
