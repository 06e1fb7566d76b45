import { duration } from '../ui/quantity.ts';
import { ttlBounds } from './request-options.ts';

interface TtlChoice {
  seconds: number;
  label: string;
}

const hour = 3_600;
const day = 24 * hour;

const standardChoices: readonly TtlChoice[] = [
  { seconds: hour, label: '1 hour' },
  { seconds: 6 * hour, label: '6 hours' },
  { seconds: day, label: '1 day' },
  { seconds: 3 * day, label: '3 days' },
  { seconds: 7 * day, label: '7 days' },
  { seconds: 30 * day, label: '30 days' },
];

/** Returns the standard times within the limits, and the current time if it is not one of them. */
export function ttlChoices(current: number): TtlChoice[] {
  const choices = standardChoices.filter(
    ({ seconds }) => seconds >= ttlBounds.min && seconds <= ttlBounds.max,
  );
  return choices.some(({ seconds }) => seconds === current)
    ? choices
    : [...choices, { seconds: current, label: duration(current) }].toSorted(
        (a, b) => a.seconds - b.seconds,
      );
}
