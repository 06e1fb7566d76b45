/** What the kernels share that read COPY's text format: bytes of it, and the scan for the end of a value. */
export const TAB: u8 = 0x09;
export const LINE_FEED: u8 = 0x0a;
export const SPACE: u8 = 0x20;
export const MINUS: u8 = 0x2d;
export const NINE: u8 = 0x39;
export const BACKSLASH: u8 = 0x5c;
/** `\N` as 2 bytes of a little-endian number. */
export const NULL_FIELD: u16 = 0x4e5c;

/** Where the value that was copied last ends in the row. */
export let valueEnd: usize = 0;

export function endValue(address: usize): void {
  valueEnd = address;
}

/**
 * Copies bytes up to the first one that is below `limit`, or `a`, or `b`. Sets `valueEnd` to its address and returns the address
 * after the copy.
 */
// @ts-ignore: decorator
@inline export function copyUntil(from: usize, to: usize, limit: u8, a: u8, b: u8): usize {
  let at = from;
  let o = to;
  let mask: i32 = 0;
  while (true) {
    const bytes = v128.load(at);
    v128.store(o, bytes);
    mask = i8x16.bitmask(
      v128.or(
        i8x16.lt_u(bytes, i8x16.splat(<i8>limit)),
        v128.or(i8x16.eq(bytes, i8x16.splat(<i8>a)), i8x16.eq(bytes, i8x16.splat(<i8>b))),
      ),
    );
    if (mask != 0) break;
    at += 16;
    o += 16;
  }
  const rest = <usize>ctz(mask);
  valueEnd = at + rest;
  return o + rest;
}

// @ts-ignore: decorator
@inline export function isEnd(byte: u8): bool {
  return byte == TAB || byte == LINE_FEED;
}
