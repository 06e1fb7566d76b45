import { withoutTrailing } from '../../contracts/trailing.ts';

const two = (value: number): string => String(value).padStart(2, '0');

/** A time of day, of microseconds from midnight, as PostgreSQL writes it: 24:00:00 is one. */
export function clockText(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = withoutTrailing(String(micros % 1_000_000).padStart(6, '0'), '0');
  const clock = `${two(Math.floor(seconds / 3_600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return fraction === '' ? clock : `${clock}.${fraction}`;
}
