/**
 * JSON objects, one on each line, out of COPY's text format: the bytes that `JsonEncoder` (lib/formats/json/encoder.ts)
 * writes for the same rows.
 *
 * A row is the bytes of one message: a value for each column, a tab between two of them, an LF after the last. Neither
 * occurs inside a value, where COPY writes `\t` and `\n`; it also escapes the backslash, BS, FF, CR and VT. `\N` is NULL.
 * https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-TEXT-FORMAT
 *
 *   number     as it is
 *   double     as it is; NaN and the infinities in quotes
 *   boolean    `t` and `f` become true and false
 *   string     in quotes; `"` and control characters are escaped, COPY's escapes are those of JSON except for VT
 *   timestamp  in quotes, `T` in place of the first space, `+00:00` in place of `+00`, the only zone
 *   json       COPY's escapes undone, and each line feed and CR replaced by a space: one line
 *
 * Anything else makes the row MALFORMED: the kernel stops at it and has written nothing of it.
 *
 * Nothing is read or written outside of a row, except for up to 15 bytes after its end, which are not used. Each scan
 * ends at a byte below 0x20, and the last byte of a row is an LF: so `init` and this check are sufficient.
 */
import { HEAD, rowLength, Stop } from './frames';
import {
  BACKSLASH,
  copyUntil,
  endValue,
  isEnd,
  LINE_FEED,
  MINUS,
  NINE,
  NULL_FIELD,
  SPACE,
  TAB,
  valueEnd,
} from './scan';
import { beginOutput, endRow, isFull, out, rowCount } from './text-output';

export { addRow, filled, rowCount, setFilled } from './text-output';

const QUOTE: u8 = 0x22;
const PLUS: u8 = 0x2b;
const COMMA: u8 = 0x2c;
const LETTER_T: u8 = 0x54;
/** `null`, `true`, the first letters of `false`, and `\u00` as 4 of a little-endian number. */
const NULL_TEXT: u32 = 0x6c6c756e;
const TRUE_TEXT: u32 = 0x65757274;
const FALSE_TEXT: u32 = 0x736c6166;
const LETTER_E: u8 = 0x65;
const ESCAPED_CONTROL: u32 = 0x3030755c;
/** `00` as 2 bytes, and `+00:00` as 4 and 2. */
const ZERO_ZERO: u16 = 0x3030;
const ZONE: u32 = 0x3a30302b;
const END_OF_OBJECT: u16 = 0x0a7d;

/** How the text of a column becomes JSON: `kinds` of lib/kernels/json-kernel.ts. */
const NUMBER: u32 = 0;
const DOUBLE: u32 = 1;
const BOOLEAN: u32 = 2;
const STRING: u32 = 3;
const TIMESTAMP: u32 = 4;

/** A column in the table: the address and the length of what precedes its values, its kind. */
const COLUMN: usize = 12;

let longest: usize = 0;
let table: usize = 0;
let tableEnd: usize = 0;
/** Whether a comma precedes each object except for the first. */
let commas: bool = false;
let stop: u32 = Stop.NO_ROW;

/**
 * @param longestRow bytes; a longer row is left to the caller
 * @param columns the address of the table; at least one column
 */
export function init(
  address: usize,
  chunkBytes: usize,
  longestRow: usize,
  columns: usize,
  count: usize,
  withCommas: bool,
): void {
  beginOutput(address, chunkBytes);
  longest = longestRow;
  table = columns;
  tableEnd = columns + count * COLUMN;
  commas = withCommas;
}

/** Encodes the rows from `from` to `end`, and returns where it stopped. */
export function encode(from: usize, end: usize): usize {
  let at = from;
  stop = Stop.NO_ROW;
  let length = rowLength(at, end, longest);
  while (length >= 0) {
    if (isFull()) {
      stop = Stop.FULL;
      return at;
    }
    const after = encodeRow(at + HEAD, at + HEAD + length);
    if (after == 0) {
      stop = Stop.MALFORMED;
      return at;
    }
    endRow(after);
    at += HEAD + length;
    length = rowLength(at, end, longest);
  }
  return at;
}

/** Returns why the last call of `encode` stopped. */
export function stopped(): u32 {
  return stop;
}

/** Returns the address after the object, 0 if the row is malformed. */
function encodeRow(start: usize, end: usize): usize {
  if (start == end || load<u8>(end - 1) != LINE_FEED) return 0;
  let at = start;
  let o = out;
  if (commas && rowCount() > 0) store<u8>(o++, COMMA);
  for (let column = table; column < tableEnd; column += COLUMN) {
    o = copyName(o, load<u32>(column), load<u32>(column, 4));
    if (load<u16>(at) == NULL_FIELD) {
      store<u32>(o, NULL_TEXT);
      o += 4;
      endValue(at + 2);
    } else {
      o = copyValue(at, o, load<u32>(column, 8));
      if (o == 0) return 0;
    }
    const isLast = column + COLUMN == tableEnd;
    if (load<u8>(valueEnd) != (isLast ? LINE_FEED : TAB)) return 0;
    at = valueEnd + 1;
  }
  if (at != end) return 0;
  store<u16>(o, END_OF_OBJECT);
  return o + 2;
}

function copyName(o: usize, name: usize, length: usize): usize {
  for (let n: usize = 0; n < length; n += 16) v128.store(o + n, v128.load(name + n));
  return o + length;
}

/** Returns the address after the value, 0 if it is malformed, and sets `valueEnd`. */
function copyValue(at: usize, o: usize, kind: u32): usize {
  switch (kind) {
    case NUMBER:
      return copyNumber(at, o);
    case DOUBLE:
      return copyDouble(at, o);
    case BOOLEAN:
      return copyBoolean(at, o);
    case STRING:
      return copyString(at, o);
    case TIMESTAMP:
      return copyTimestamp(at, o);
    default:
      return copyJson(at, o);
  }
}

function copyNumber(at: usize, to: usize): usize {
  const o = copyUntil(at, to, SPACE, BACKSLASH, BACKSLASH);
  return isEnd(load<u8>(valueEnd)) ? o : 0;
}

function copyDouble(at: usize, o: usize): usize {
  const first = load<u8>(at);
  if ((first == MINUS ? load<u8>(at + 1) : first) <= NINE) return copyNumber(at, o);
  store<u8>(o, QUOTE);
  const end = copyNumber(at, o + 1);
  if (end == 0) return 0;
  store<u8>(end, QUOTE);
  return end + 1;
}

function copyBoolean(at: usize, o: usize): usize {
  endValue(at + 1);
  const letter = load<u8>(at);
  if (letter == 0x74) {
    store<u32>(o, TRUE_TEXT);
    return o + 4;
  }
  if (letter != 0x66) return 0;
  store<u32>(o, FALSE_TEXT);
  store<u8>(o + 4, LETTER_E);
  return o + 5;
}

function copyString(from: usize, to: usize): usize {
  store<u8>(to, QUOTE);
  let at = from;
  let o = to + 1;
  while (true) {
    o = copyUntil(at, o, SPACE, QUOTE, BACKSLASH);
    at = valueEnd;
    const byte = load<u8>(at);
    if (isEnd(byte)) {
      store<u8>(o, QUOTE);
      return o + 1;
    }
    if (byte == BACKSLASH) {
      const letter = load<u8>(at + 1);
      if (letter == 0x76) o = writeControl(o, 0x0b);
      else if (isEscapeOfJson(letter)) {
        store<u16>(o, load<u16>(at));
        o += 2;
      } else return 0;
      at += 2;
    } else {
      if (byte == QUOTE) {
        store<u8>(o, BACKSLASH);
        store<u8>(o + 1, QUOTE);
        o += 2;
      } else o = writeControl(o, byte);
      at++;
    }
  }
  return 0;
}

/** Writes `\u00` and two hexadecimal digits, in lower case. */
function writeControl(o: usize, byte: u8): usize {
  store<u32>(o, ESCAPED_CONTROL);
  store<u8>(o + 4, 0x30 + (byte >> 4));
  const low = byte & 15;
  store<u8>(o + 5, low < 10 ? 0x30 + low : 0x57 + low);
  return o + 6;
}

/** `b`, `f`, `n`, `r`, `t` and the backslash. */
function isEscapeOfJson(letter: u8): bool {
  return (
    letter == 0x62 ||
    letter == 0x66 ||
    letter == 0x6e ||
    letter == 0x72 ||
    letter == 0x74 ||
    letter == BACKSLASH
  );
}

function copyTimestamp(from: usize, to: usize): usize {
  store<u8>(to, QUOTE);
  let at = from;
  let o = to + 1;
  let isDay = true;
  while (true) {
    o = copyUntil(at, o, SPACE + 1, PLUS, BACKSLASH);
    at = valueEnd;
    const byte = load<u8>(at);
    if (isEnd(byte)) {
      store<u8>(o, QUOTE);
      return o + 1;
    }
    if (byte == SPACE) {
      // The first space is between the day and the time; another one precedes `BC`.
      store<u8>(o++, isDay ? LETTER_T : SPACE);
      isDay = false;
      at++;
    } else {
      if (byte != PLUS || load<u16>(at + 1) != ZERO_ZERO) return 0;
      store<u32>(o, ZONE);
      store<u16>(o + 4, ZERO_ZERO);
      o += 6;
      at += 3;
    }
  }
  return 0;
}

function copyJson(from: usize, to: usize): usize {
  let at = from;
  let o = to;
  while (true) {
    o = copyUntil(at, o, SPACE, BACKSLASH, BACKSLASH);
    at = valueEnd;
    const byte = load<u8>(at);
    if (isEnd(byte)) return o;
    if (byte != BACKSLASH) return 0;
    const letter = load<u8>(at + 1);
    if (letter == BACKSLASH) store<u8>(o, BACKSLASH);
    else if (letter == 0x6e || letter == 0x72) store<u8>(o, SPACE);
    else if (letter == 0x74) store<u8>(o, TAB);
    else return 0;
    o++;
    at += 2;
  }
  return 0;
}
