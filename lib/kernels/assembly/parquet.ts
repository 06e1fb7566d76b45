/**
 * The values of Parquet pages in PLAIN encoding, out of COPY's binary format: those that `ParquetType.encode`
 * (lib/formats/parquet/types.ts, decimal.ts) writes for the same rows.
 *
 * A row is the bytes of one message: the number of its values, and for each its length (-1 is NULL) and its bytes.
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
 *
 * Each column has a region for the values of its open page, and a bitmap of the rows that are not NULL. The kernel stops
 * after a row with FULL when a page or the row group has to end: the caller takes the pages. For a row that it does not
 * encode it stops with OTHER and has written nothing of it: the caller encodes the row, or says what is wrong with it.
 *
 * Nothing is read outside of a row, except for up to 15 bytes after its end, which are not used. Every value has at most
 * `longestValue` bytes, for which there is room after the end of a full page.
 */
import { HEAD, rowLength, Stop } from './frames';

export { findDistinct, indicesAt, startsAt } from './distinct-values';
export {
  encodeDelta,
  findEndsOfBytes,
  findEndsOfDoubles,
  findEndsOfInt32,
  findEndsOfInt64,
  maximumAt,
  minimumAt,
} from './page-values';

/** How a column is encoded: `kinds` of lib/kernels/parquet-kernel.ts. */
const BOOLEAN: u32 = 0;
const INT16: u32 = 1;
const BYTES4: u32 = 2;
const BYTES8: u32 = 3;
const DATE: u32 = 4;
const TIMESTAMP: u32 = 5;
const UUID: u32 = 6;
const UUID_TEXT: u32 = 7;
const TEXT: u32 = 8;
const JSONB: u32 = 9;
const DECIMAL32: u32 = 10;
const DECIMAL64: u32 = 11;

/** A column in the table: where each field is, and how long a column is. */
const KIND: usize = 0;
/** Address of the next byte of values. */
const OUT: usize = 4;
/** Address at which the page is full. */
const FULL: usize = 8;
const BITMAP: usize = 12;
/** The row with which the page starts. */
const FIRST_ROW: usize = 16;
const NULLS: usize = 20;
/** Values that are NULL in the file, but not in the source. */
const NULLED: usize = 24;
/** Values of a page of booleans. */
const BITS: usize = 28;
const SCALE: usize = 32;
const START: usize = 36;
/** A power of ten that every unscaled decimal is less than. */
const LIMIT: usize = 40;
const COLUMN: usize = 48;

const NULL_LENGTH: i32 = -1;
const END_OF_ROWS: i16 = -1;
const EPOCH_DAYS: i32 = 10957;
const EPOCH_MICROS: i64 = 946684800000000;
/** Signs of a numeric that is a number. */
const NEGATIVE: u16 = 0x4000;
/** A larger number may overflow when another group of four digits follows. */
const LARGEST_BEFORE_GROUP: i64 = 900000000000000;
const LARGEST: i64 = 9000000000000000000;
const NUMERIC_HEAD: usize = 8;

let table: usize = 0;
let tableEnd: usize = 0;
let columns: i32 = 0;
let longestRow: usize = 0;
let longestValue: usize = 0;
let rows: u32 = 0;
/** The row at which a page has as many levels as it may have. */
let levelsEnd: u32 = 0;
let groupBytes: usize = 0;
let groupLimit: usize = 0;
let isFull: bool = false;
let stop: u32 = Stop.NO_ROW;
/** Whether the last value was encoded; false: it is NULL by policy. */
let hasValue: bool = true;
/** Whether the last decimal is one that this kernel encodes. */
let isDecimal: bool = true;

export function init(address: usize, count: i32, row: usize, value: usize, group: usize): void {
  table = address;
  columns = count;
  tableEnd = address + <usize>count * COLUMN;
  longestRow = row;
  longestValue = value;
  groupLimit = group;
}

/** Empties the page of a column: the next row is its first. */
export function beginPage(column: usize, bitmapBytes: usize): void {
  store<u32>(column, load<u32>(column, START), OUT);
  store<u32>(column, rows, FIRST_ROW);
  store<u32>(column, 0, NULLS);
  store<u32>(column, 0, BITS);
  memory.fill(load<u32>(column, BITMAP), 0xff, bitmapBytes);
}

/** Sets the row at which the first of the open pages has as many levels as a page may have. */
export function setLevelsEnd(row: u32): void {
  levelsEnd = row;
}

/** Begins a row group. The caller begins the pages of all columns. */
export function beginGroup(): void {
  rows = 0;
  groupBytes = 0;
}

/** Returns the rows of the row group. */
export function rowCount(): u32 {
  return rows;
}

/** Returns the bytes of the rows of the row group. */
export function rowBytes(): usize {
  return groupBytes;
}

/** Returns why the last call of `encode` stopped. */
export function stopped(): u32 {
  return stop;
}

/**
 * Encodes the rows from `from` to `end`, and returns where it stopped: after a row for FULL, after the end of the rows for
 * END.
 *
 * @param toSkip bytes before the first row, in its message
 */
export function encode(from: usize, end: usize, toSkip: usize): usize {
  let at = from;
  let skip = toSkip;
  stop = Stop.NO_ROW;
  let length = rowLength(at, end, longestRow);
  while (length >= 0) {
    const row = at + HEAD + skip;
    const rowEnd = at + HEAD + <usize>length;
    if (row + 2 > rowEnd) {
      stop = Stop.OTHER;
      return at;
    }
    const count = <i16>bswap<u16>(load<u16>(row));
    if (count == END_OF_ROWS && row + 2 == rowEnd) {
      stop = Stop.END;
      return rowEnd;
    }
    if (<i32>count != columns || !encodeRow(row + 2, rowEnd)) {
      stop = Stop.OTHER;
      return at;
    }
    rows++;
    groupBytes += rowEnd - row;
    at = rowEnd;
    skip = 0;
    if (isFull || rows >= levelsEnd || groupBytes >= groupLimit) {
      isFull = false;
      stop = Stop.FULL;
      return at;
    }
    length = rowLength(at, end, longestRow);
  }
  return at;
}

/** Returns false if the row is one that this kernel does not encode; then it is not encoded at all. */
function encodeRow(start: usize, end: usize): bool {
  let at = start;
  for (let column = table; column < tableEnd; column += COLUMN) {
    if (end - at < 4) return undo(start, column);
    const length = <i32>bswap<u32>(load<u32>(at));
    at += 4;
    if (length == NULL_LENGTH) {
      setNull(column);
      continue;
    }
    // A negative length is a large one without its sign.
    if (<usize>(<u32>length) > end - at) return undo(start, column);
    const out = <usize>load<u32>(column, OUT);
    const after = encodeValue(column, at, <usize>length, out);
    if (after == 0) return undo(start, column);
    if (hasValue) {
      store<u32>(column, <u32>after, OUT);
      if (after >= <usize>load<u32>(column, FULL)) isFull = true;
    } else {
      hasValue = true;
      setNull(column);
      store<u32>(column, load<u32>(column, NULLED) + 1, NULLED);
    }
    at += <usize>length;
  }
  return at == end ? true : undo(start, tableEnd);
}

function setNull(column: usize): void {
  const row = rows - load<u32>(column, FIRST_ROW);
  const byte = <usize>load<u32>(column, BITMAP) + (row >> 3);
  store<u8>(byte, load<u8>(byte) & ~(<u8>1 << <u8>(row & 7)));
  store<u32>(column, load<u32>(column, NULLS) + 1, NULLS);
}

/** Returns the address after the value, 0 if this kernel does not encode it. `hasValue` becomes false if it is NULL by policy. */
function encodeValue(column: usize, at: usize, length: usize, out: usize): usize {
  switch (load<u32>(column, KIND)) {
    case BOOLEAN:
      return length == 1 ? encodeBit(column, load<u8>(at) != 0, out) : 0;
    case INT16:
      if (length != 2) return 0;
      store<i32>(out, <i32>(<i16>bswap<u16>(load<u16>(at))));
      return out + 4;
    case BYTES4:
      if (length != 4) return 0;
      store<u32>(out, bswap<u32>(load<u32>(at)));
      return out + 4;
    case BYTES8:
      if (length != 8) return 0;
      store<u64>(out, number64(at));
      return out + 8;
    case DATE: {
      if (length != 4) return 0;
      const days = <i32>bswap<u32>(load<u32>(at));
      hasValue = days != i32.MAX_VALUE && days != i32.MIN_VALUE;
      store<i32>(out, days + EPOCH_DAYS);
      return out + 4;
    }
    case TIMESTAMP: {
      if (length != 8) return 0;
      const micros = <i64>number64(at);
      hasValue = micros != i64.MAX_VALUE && micros != i64.MIN_VALUE;
      if (hasValue && micros >= i64.MAX_VALUE - EPOCH_MICROS) return 0;
      store<i64>(out, micros + EPOCH_MICROS);
      return out + 8;
    }
    case UUID:
      if (length != 16) return 0;
      v128.store(out, v128.load(at));
      return out + 16;
    case UUID_TEXT:
      return length == 16 ? encodeUuid(at, out) : 0;
    case TEXT:
      return encodeBytes(at, length, out);
    case JSONB:
      return length == 0 ? 0 : encodeBytes(at + 1, length - 1, out);
    case DECIMAL32: {
      const value = decimal(column, at, length);
      store<i32>(out, <i32>value);
      return isDecimal ? out + 4 : 0;
    }
    case DECIMAL64: {
      const value = decimal(column, at, length);
      store<i64>(out, value);
      return isDecimal ? out + 8 : 0;
    }
    default:
      return 0;
  }
}

/** Reads a number in network order, all bytes at once. */
// @ts-ignore: decorator
@inline function number64(at: usize): u64 {
  return i64x2.extract_lane(
    i8x16.shuffle(v128.load64_zero(at), v128.load64_zero(at), 7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0),
    0,
  );
}

function encodeBit(column: usize, isTrue: bool, out: usize): usize {
  const bits = load<u32>(column, BITS);
  store<u32>(column, bits + 1, BITS);
  const bit = <u8>(bits & 7);
  const byte = bit == 0 ? out : out - 1;
  const before: u8 = bit == 0 ? 0 : load<u8>(byte);
  store<u8>(byte, before | (<u8>isTrue << bit));
  return byte + 1;
}

function encodeBytes(at: usize, length: usize, out: usize): usize {
  if (length > longestValue) return 0;
  store<u32>(out, <u32>length);
  const to = out + 4;
  for (let n: usize = 0; n < length; n += 16) v128.store(to + n, v128.load(at + n));
  return to + length;
}

/** Writes 32 hexadecimal digits with hyphens after the 8th, 12th, 16th and 20th. */
function encodeUuid(at: usize, out: usize): usize {
  store<u32>(out, 36);
  let to = out + 4;
  for (let n: usize = 0; n < 16; n++) {
    if (n == 4 || n == 6 || n == 8 || n == 10) store<u8>(to++, 0x2d);
    const byte = load<u8>(at + n);
    store<u8>(to, digit(byte >> 4));
    store<u8>(to + 1, digit(byte & 15));
    to += 2;
  }
  return to;
}

function digit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x57 + value;
}

function power(exponent: i32): i64 {
  let value: i64 = 1;
  for (let n = 0; n < exponent; n++) value *= 10;
  return value;
}

/**
 * Returns a numeric × 10^scale as a whole number. `isDecimal` becomes false if it has more digits than its type, or another
 * form than PostgreSQL sends, and `hasValue` if it is NaN or infinite.
 */
function decimal(column: usize, at: usize, length: usize): i64 {
  isDecimal = false;
  if (length < NUMERIC_HEAD) return 0;
  const groups = <i32>bswap<u16>(load<u16>(at));
  if (length != NUMERIC_HEAD + 2 * <usize>groups) return 0;
  const sign = bswap<u16>(load<u16>(at, 4));
  if ((sign & ~NEGATIVE) != 0) {
    isDecimal = true;
    hasValue = false;
    return 0;
  }
  const weight = <i32>(<i16>bswap<u16>(load<u16>(at, 2)));
  const scale = <i32>load<u32>(column, SCALE);
  let value: i64 = 0;
  let exponent: i32 = 0;
  for (let n = 0; n < groups; n++) {
    const group = <i64>bswap<u16>(load<u16>(at + NUMERIC_HEAD + 2 * <usize>n));
    if (value > LARGEST_BEFORE_GROUP) return 0;
    exponent = 4 * (weight - n) + scale;
    if (exponent >= 0) value = value * 10000 + group;
    else {
      const divisor = power(min(-exponent, 4));
      if (group % divisor != 0) return 0;
      value = value * power(max(0, 4 + exponent)) + group / divisor;
      exponent = 0;
    }
  }
  if (value != 0 && exponent > 0) {
    if (exponent > 18) return 0;
    const factor = power(exponent);
    if (value > LARGEST / factor) return 0;
    value *= factor;
  }
  if (value >= load<i64>(column, LIMIT)) return 0;
  isDecimal = true;
  return sign == 0 ? value : -value;
}

/** Takes the values of the columns before `end` back, and returns false. Their lengths have been checked. */
function undo(start: usize, end: usize): bool {
  let at = start;
  isFull = false;
  hasValue = true;
  for (let column = table; column < end; column += COLUMN) {
    const length = <i32>bswap<u32>(load<u32>(at));
    at += 4;
    const row = rows - load<u32>(column, FIRST_ROW);
    const byte = <usize>load<u32>(column, BITMAP) + (row >> 3);
    const bit = <u8>1 << <u8>(row & 7);
    if ((load<u8>(byte) & bit) == 0) {
      store<u8>(byte, load<u8>(byte) | bit);
      store<u32>(column, load<u32>(column, NULLS) - 1, NULLS);
      if (length != NULL_LENGTH) store<u32>(column, load<u32>(column, NULLED) - 1, NULLED);
    } else takeBack(column, <u32>length);
    if (length != NULL_LENGTH) at += <usize>length;
  }
  return false;
}

function takeBack(column: usize, length: u32): void {
  const out = load<u32>(column, OUT);
  switch (load<u32>(column, KIND)) {
    case BOOLEAN: {
      const bits = load<u32>(column, BITS) - 1;
      store<u32>(column, bits, BITS);
      const bit = <u8>(bits & 7);
      if (bit == 0) store<u32>(column, out - 1, OUT);
      else store<u8>(out - 1, load<u8>(out - 1) & ~(<u8>1 << bit));
      return;
    }
    case INT16:
    case BYTES4:
    case DATE:
    case DECIMAL32:
      store<u32>(column, out - 4, OUT);
      return;
    case UUID:
      store<u32>(column, out - 16, OUT);
      return;
    case UUID_TEXT:
      store<u32>(column, out - 40, OUT);
      return;
    case TEXT:
      store<u32>(column, out - 4 - length, OUT);
      return;
    case JSONB:
      store<u32>(column, out - 3 - length, OUT);
      return;
    default:
      store<u32>(column, out - 8, OUT);
  }
}
