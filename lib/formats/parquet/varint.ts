/** Writes an unsigned varint of a whole number up to 2^53 and returns the offset after it. */
export function writeVarint(out: Uint8Array, at: number, value: number): number {
  let rest = value;
  let end = at;
  for (; rest > 127; rest = Math.floor(rest / 128)) out[end++] = (rest % 128) | 128;
  out[end++] = rest;
  return end;
}

/** Returns the whole number from -2^52 to 2^52 as one that is not negative: 0, -1, 1, -2 … become 0, 1, 2, 3 … */
export const zigzag = (value: number): number => (value >= 0 ? value * 2 : -value * 2 - 1);
