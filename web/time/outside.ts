import { dayAndClock } from './format.ts';
import type { DataSpan } from './presets.ts';
import type { ReadRange } from './range.ts';

/** Returns where the data starts or ends if the range has none of it, else null. */
export function outsideText(
  { from, to }: ReadRange,
  { earliest, latest }: DataSpan,
  zone: string,
): string | null {
  if (to !== undefined && earliest !== null && Date.parse(to) <= Date.parse(earliest))
    return `the data starts ${dayAndClock(zone, earliest, to)}`;
  if (from !== undefined && latest !== null && Date.parse(from) > Date.parse(latest))
    return `the data ends ${dayAndClock(zone, latest, from)}`;
  return null;
}
