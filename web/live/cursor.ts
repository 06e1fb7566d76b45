import type { Frame } from './feed.ts';
import { dayAndClockText, valueText, zoneAt } from './labels.ts';

/** The value of a line at the cursor. */
interface CursorValue {
  series: string;
  slot: number;
  text: string;
}

/** The place of the cursor in the chart: the time of a point. */
export interface CursorPlace {
  at: number;
  values: readonly CursorValue[];
}

/** Returns the times that have a value of any line, in order. */
function* valueTimes({ data: { aligned } }: Frame): Generator<[index: number, at: number]> {
  const [times, ...lines] = aligned;
  for (const [index, at] of times.entries())
    if (lines.some((values) => typeof values[index] === 'number')) yield [index, at];
}

/** Returns the place next to an instant; null if the chart has no points. */
export function placeAt(frame: Frame, at: number): CursorPlace | null {
  let nearest: number | null = null;
  for (const [, time] of visibleTimes(frame))
    if (nearest === null || Math.abs(time - at) < Math.abs(nearest - at)) nearest = time;
  return nearest === null ? null : { at: nearest, values: valuesAt(frame, nearest) };
}

/** Returns the place some points before or after an instant, or at an end of the chart. */
export function placeAfter(frame: Frame, at: number, points: number): CursorPlace | null {
  const times = [...visibleTimes(frame)].map(([, time]) => time);
  const current = times.findIndex((time) => time >= at);
  const start = current === -1 ? times.length - 1 : current;
  const target = times[Math.min(times.length - 1, Math.max(0, start + points))];
  return target === undefined ? null : { at: target, values: valuesAt(frame, target) };
}

function* visibleTimes(frame: Frame): Generator<[index: number, at: number]> {
  for (const [index, at] of valueTimes(frame))
    if (at >= frame.from && at <= frame.to) yield [index, at];
}

/** Returns the value of each line at an instant, or its last one before; none in a gap. */
function valuesAt({ data: { aligned }, lines }: Frame, at: number): CursorValue[] {
  const [times, ...values] = aligned;
  const place = times.findLastIndex((time) => time <= at);
  return lines.flatMap(({ series, slot, unit }, line) => {
    const own = values[line] ?? [];
    for (let index = place; index >= 0; index--) {
      const value = own[index];
      if (value === null) return [];
      if (value !== undefined) return [{ series, slot, text: valueText(value, unit) }];
    }
    return [];
  });
}

/** `28 Nov 14:02:10 CET, pump-1 3.2 bar, pump-2 3.1 bar` */
export function placeText({ at, values }: CursorPlace, zone: string): string {
  const time = `${dayAndClockText(zone, at)} ${zoneAt(zone, at)}`;
  return [time, ...values.map(({ series, text }) => `${series} ${text}`)].join(', ');
}
