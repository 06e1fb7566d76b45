import { withoutTrailing } from '../../contracts/trim-trailing.ts';

const two = (value: number): string => String(value).padStart(2, '0');

/** Returns a time of day as PostgreSQL writes it, from microseconds since midnight; 24:00:00 is allowed. */
export function clockText(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = withoutTrailing(String(micros % 1_000_000).padStart(6, '0'), '0');
  const clock = `${two(Math.floor(seconds / 3_600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return fraction === '' ? clock : `${clock}.${fraction}`;
}
