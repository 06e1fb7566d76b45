/**
 * The text of a cell: COPY's escapes undone, and written as XML like `inlineString` of lib/formats/xlsx/xml-text.ts.
 *
 *   `&`, `<`, `>`       their entities
 *   what XML forbids    `_xHHHH_`: control characters except for tab and LF, CR, U+FFFE and U+FFFF
 *   `_`                 `_x005F_` where a reader would take it for the start of such an escape
 *
 * All other bytes are copied, 16 at a time. They are UTF-8, which the server checks.
 */
import { BACKSLASH, endValue, isEnd, LINE_FEED, SPACE, TAB } from './scan';

const AMPERSAND: u8 = 0x26;
const LESS: u8 = 0x3c;
const GREATER: u8 = 0x3e;
const UNDERSCORE: u8 = 0x5f;
const LETTER_X: u8 = 0x78;
/** The first byte of U+FFFE and U+FFFF, and the two after it: `BF BE` and `BF BF`, as little-endian numbers. */
const NO_CHARACTER: u8 = 0xef;
const FFFE_END: u16 = 0xbebf;
const FFFF_END: u16 = 0xbfbf;

/** `&amp;`, `&lt;`, `&gt;`, `_x00 _` with a gap for two digits, `_x005F_`, `_xFFFE_`, `_xFFFF_` as little-endian numbers. */
const AMPERSAND_TEXT: u64 = 0x3b706d6126;
const LESS_TEXT: u32 = 0x3b746c26;
const GREATER_TEXT: u32 = 0x3b746726;
const CONTROL_TEXT: u64 = 0x005f00003030785f;
const UNDERSCORE_TEXT: u64 = 0x005f46353030785f;
const FFFE_TEXT: u64 = 0x005f45464646785f;
const FFFF_TEXT: u64 = 0x005f46464646785f;
const ESCAPE_LENGTH: usize = 7;

/** Whether a reader may remove spaces of the text that was copied last, unless `xml:space` is `preserve`. */
export let keepsSpace: bool = false;

/**
 * Returns a bit for each of 16 bytes that is not copied as it is: below 0x20, `&`, `<`, `>`, the backslash, `_`, 0xEF. A table
 * for the lower half of a byte and one for the upper half have a bit in common for exactly these.
 */
// @ts-ignore: decorator
@inline function specialBytes(bytes: v128): i32 {
  const lower = i8x16(1, 1, 1, 1, 1, 1, 3, 1, 1, 1, 1, 1, 13, 1, 5, 25);
  const upper = i8x16(1, 1, 2, 4, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0);
  const classes = v128.and(
    i8x16.swizzle(lower, v128.and(bytes, i8x16.splat(15))),
    i8x16.swizzle(upper, i8x16.shr_u(bytes, 4)),
  );
  return i8x16.bitmask(i8x16.ne(classes, i8x16.splat(0)));
}

/**
 * Copies a text up to the end of its value, right after a byte that is no space. Returns the address after the copy, 0 if
 * the text has an escape that COPY does not write. Sets the end of the value and `keepsSpace`.
 */
export function copyText(from: usize, to: usize): usize {
  let at = from;
  let o = to;
  /** Where an escape ends that is white space only at an end of the text. */
  let spaceEnd: usize = 0;
  keepsSpace = isSpaceAt(from);
  while (true) {
    let mask: i32 = 0;
    while (true) {
      const bytes = v128.load(at);
      v128.store(o, bytes);
      mask = specialBytes(bytes);
      const spaces = i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(SPACE)));
      if (spaces != 0) {
        const isAfterSpace: i32 = load<u8>(o - 1) == SPACE ? 1 : 0;
        // Without those after the first special byte, which are copied again.
        if ((spaces & ((spaces << 1) | isAfterSpace) & ((mask & -mask) - 1)) != 0)
          keepsSpace = true;
      }
      if (mask != 0) break;
      at += 16;
      o += 16;
    }
    const rest = <usize>ctz(mask);
    at += rest;
    o += rest;
    const byte = load<u8>(at);
    if (isEnd(byte)) {
      if (!keepsSpace && at > from) keepsSpace = at == spaceEnd || isSpaceBefore(at, from);
      endValue(at);
      return o;
    }
    if (byte == BACKSLASH) {
      const character = characterOf(load<u8>(at + 1));
      if (character == 0) return 0;
      at += 2;
      if (character == BACKSLASH) store<u8>(o++, BACKSLASH);
      else if (isEnd(character)) {
        store<u8>(o++, character);
        keepsSpace = true;
      } else {
        o = writeControl(o, character);
        if (isSpaceControl(character)) spaceEnd = at;
      }
    } else if (byte == NO_CHARACTER) {
      const next = load<u16>(at + 1);
      if (next == FFFE_END || next == FFFF_END) {
        store<u64>(o, next == FFFE_END ? FFFE_TEXT : FFFF_TEXT);
        o += ESCAPE_LENGTH;
        at += 3;
      } else {
        store<u8>(o++, byte);
        at++;
      }
    } else {
      o = writeSpecial(o, at);
      at++;
      if (isSpaceControl(byte)) spaceEnd = at;
    }
  }
  return 0;
}

/** Writes the special byte at an address, other than a backslash and 0xEF, and returns the address after it. */
function writeSpecial(o: usize, at: usize): usize {
  switch (load<u8>(at)) {
    case AMPERSAND:
      store<u64>(o, AMPERSAND_TEXT);
      return o + 5;
    case LESS:
      store<u32>(o, LESS_TEXT);
      return o + 4;
    case GREATER:
      store<u32>(o, GREATER_TEXT);
      return o + 4;
    case UNDERSCORE:
      if (looksEscaped(at + 1)) {
        store<u64>(o, UNDERSCORE_TEXT);
        return o + ESCAPE_LENGTH;
      }
      store<u8>(o, UNDERSCORE);
      return o + 1;
    default:
      return writeControl(o, load<u8>(at));
  }
}

/** Returns the character of COPY's escape with this letter, 0 if COPY writes no such escape. */
function characterOf(letter: u8): u8 {
  switch (letter) {
    case 0x62:
      return 0x08;
    case 0x66:
      return 0x0c;
    case 0x6e:
      return LINE_FEED;
    case 0x72:
      return 0x0d;
    case 0x74:
      return TAB;
    case 0x76:
      return 0x0b;
    case BACKSLASH:
      return BACKSLASH;
    default:
      return 0;
  }
}

function writeControl(o: usize, byte: u8): usize {
  const high: u64 = 0x30 + (byte >> 4);
  const digit: u64 = byte & 15;
  const low = digit < 10 ? 0x30 + digit : 0x37 + digit;
  store<u64>(o, CONTROL_TEXT | (high << 32) | (low << 40));
  return o + ESCAPE_LENGTH;
}

/** Returns whether what follows an underscore is `x`, four hexadecimal digits, and an underscore or what is written with one. */
function looksEscaped(after: usize): bool {
  if (load<u8>(after) != LETTER_X) return false;
  for (let n: usize = 1; n <= 4; n++) if (!isHexadecimal(load<u8>(after + n))) return false;
  const next = load<u8>(after + 5);
  if (next == BACKSLASH) {
    const character = characterOf(load<u8>(after + 6));
    return character != 0 && character != BACKSLASH && !isEnd(character);
  }
  if (next == NO_CHARACTER) {
    const end = load<u16>(after + 6);
    return end == FFFE_END || end == FFFF_END;
  }
  return next == UNDERSCORE || (next < SPACE && !isEnd(next));
}

function isHexadecimal(byte: u8): bool {
  return (byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}

/** Returns whether a value begins with white space as `\s` of a regular expression: of ASCII, escaped, or of Unicode. */
function isSpaceAt(at: usize): bool {
  const byte = load<u8>(at);
  if (byte == SPACE) return true;
  if (byte == BACKSLASH) return isSpaceControl(characterOf(load<u8>(at + 1)));
  return isSpaceControl(byte) || (byte > 0x7f && (isSpaceOfTwo(at) || isSpaceOfThree(at)));
}

/** VT, FF and CR. COPY escapes them. */
function isSpaceControl(byte: u8): bool {
  return byte >= 0x0b && byte <= 0x0d;
}

function isSpaceBefore(end: usize, from: usize): bool {
  const byte = load<u8>(end - 1);
  return (
    byte == SPACE ||
    (byte > 0x7f &&
      ((end - from >= 2 && isSpaceOfTwo(end - 2)) || (end - from >= 3 && isSpaceOfThree(end - 3))))
  );
}

/** U+00A0. */
function isSpaceOfTwo(at: usize): bool {
  return load<u16>(at) == 0xa0c2;
}

/** U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+3000, U+FEFF. */
function isSpaceOfThree(at: usize): bool {
  const first = load<u16>(at);
  const last = load<u8>(at + 2);
  if (first == 0x80e2) return last <= 0x8a || last == 0xa8 || last == 0xa9 || last == 0xaf;
  if (first == 0x9ae1 || first == 0x80e3) return last == 0x80;
  return (first == 0x81e2 && last == 0x9f) || (first == 0xbbef && last == 0xbf);
}
