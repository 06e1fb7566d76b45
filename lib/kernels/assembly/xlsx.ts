/**
 * Rows of a sheet of XLSX out of COPY's text format: the XML that `SheetRows` (lib/formats/xlsx/sheet-rows.ts) writes for the
 * same rows, without the header.
 *
 * A row is the bytes of one message: a value for each column, a tab between two of them, an LF after the last, as for JSON
 * (json.ts has the format). `\N` is NULL, for which there is no cell.
 *
 *   integer    a number, as it is
 *   exact      a number if it has at most 15 significant digits, otherwise a text
 *   double     a number if it is one that spreadsheets read, otherwise a text
 *   boolean    `t` and `f` become 1 and 0
 *   date       the number of the day if it has one, otherwise a text; a timestamp likewise, with the time as a fraction
 *   text       sheet-text.ts has its escapes
 *
 * A row with anything else is left to the caller, with OTHER: numbers that have to be judged by their value (exponents of
 * more than 250, more than 300 digits), texts of more than 32,767 bytes, and what the server never sends. The kernel stops
 * at it and has written nothing of it. It stops with FULL before a row that needs another chunk or another sheet.
 *
 * Nothing is read or written outside of a row, except for up to 15 bytes after its end, which are not used. Each scan
 * ends at a byte below 0x20, and the last byte of a row is an LF. No byte of COPY becomes more than seven bytes, in addition
 * to the fixed parts of a cell: lib/kernels/xlsx-kernel.ts reserves room for both.
 */
import {
  digitsLength,
  digitsOf,
  NO_SERIAL,
  serialOf,
  UNKNOWN_SERIAL,
  writeSerial,
} from './date-serial';
import { HEAD, rowLength, Stop } from './frames';
import {
  BACKSLASH,
  copyUntil,
  endValue,
  isEnd,
  LINE_FEED,
  MINUS,
  NULL_FIELD,
  SPACE,
  TAB,
  valueEnd,
} from './scan';
import { copyText, keepsSpace } from './sheet-text';
import { beginOutput, endRow, isFull, out, rowCount } from './text-output';

export { addRow, filled, rowCount, setFilled } from './text-output';

/** How the text of a column becomes a cell: `forms` of lib/kernels/xlsx-kernel.ts. */
const INTEGER: u32 = 0;
const EXACT: u32 = 1;
const DOUBLE: u32 = 2;
const BOOLEAN: u32 = 3;
const DATE: u32 = 4;
const DATE_TIME: u32 = 5;

/** The fixed parts of the XML: `markup` of lib/kernels/xlsx-kernel.ts, each in 32 bytes, its length after them. */
const MARKUP: usize = 48;
const MARKUP_LENGTH: usize = 32;
const ROW_START: usize = 0 * MARKUP;
const ROW_OPEN: usize = 1 * MARKUP;
const ROW_END: usize = 2 * MARKUP;
const NUMBER_START: usize = 3 * MARKUP;
const DATE_START: usize = 4 * MARKUP;
const DATE_TIME_START: usize = 5 * MARKUP;
const FRACTION_START: usize = 6 * MARKUP;
const VALUE_END: usize = 7 * MARKUP;
const FALSE_CELL: usize = 8 * MARKUP;
const TRUE_CELL: usize = 9 * MARKUP;
const TEXT_START: usize = 10 * MARKUP;
const QUOTED_START: usize = 11 * MARKUP;
const TEXT_END: usize = 12 * MARKUP;
const PRESERVE: usize = 13 * MARKUP;

/** A column in the table: what precedes its row number in a cell, in 16 bytes, its length, and the form of its values. */
const COLUMN: usize = 32;
const REFERENCE_LENGTH: usize = 16;
const FORM: usize = 20;

const MAX_CHARACTERS: usize = 32_767;
const EXACT_DIGITS: usize = 15;
/** A double of fewer characters is a number that spreadsheets read, if it is one. */
const JUDGED_LENGTH: usize = 6;
const LONGEST_NUMBER: usize = 300;
const LONGEST_MANTISSA: usize = 30;
const LARGEST_EXPONENT: u32 = 250;
const DAY_AND_SECONDS: usize = 19;

/** What is known of a number. */
const YES: u32 = 0;
const NO: u32 = 1;
const UNKNOWN: u32 = 2;

let longest: usize = 0;
let markup: usize = 0;
let table: usize = 0;
let tableEnd: usize = 0;
/** Rows of a sheet without its header, and rows of the sheets before this one. */
let sheetRows: u32 = 0;
let rowsBefore: u32 = 0;
let stop: u32 = Stop.NO_ROW;
/** The number of the row in its sheet, as text. */
let number: u64 = 0;
let numberLength: usize = 0;

/**
 * @param longestRow bytes; a longer row is left to the caller
 * @param markupAddress of the fixed parts
 * @param columns the address of the table; at least one column
 * @param rows of a sheet, without its header
 */
export function init(
  address: usize,
  chunkBytes: usize,
  longestRow: usize,
  markupAddress: usize,
  columns: usize,
  count: usize,
  rows: u32,
): void {
  beginOutput(address, chunkBytes);
  longest = longestRow;
  markup = markupAddress;
  table = columns;
  tableEnd = columns + count * COLUMN;
  sheetRows = rows;
  rowsBefore = 0;
}

/** Begins another sheet with the next row. */
export function beginSheet(): void {
  rowsBefore = rowCount();
}

/** Encodes the rows from `from` to `end`, and returns where it stopped. */
export function encode(from: usize, end: usize): usize {
  let at = from;
  stop = Stop.NO_ROW;
  let length = rowLength(at, end, longest);
  while (length >= 0) {
    if (isFull() || rowCount() - rowsBefore >= sheetRows) {
      stop = Stop.FULL;
      return at;
    }
    const after = encodeRow(at + HEAD, at + HEAD + length);
    if (after == 0) {
      stop = Stop.OTHER;
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

/** Returns the address after the row, 0 if it is left to the caller. */
function encodeRow(start: usize, end: usize): usize {
  if (start == end || load<u8>(end - 1) != LINE_FEED) return 0;
  // The header is row 1.
  number = digitsOf(rowCount() - rowsBefore + 2);
  numberLength = digitsLength;
  let o = put(out, ROW_START);
  store<u64>(o, number);
  o = put(o + numberLength, ROW_OPEN);
  let at = start;
  for (let column = table; column < tableEnd; column += COLUMN) {
    if (load<u16>(at) == NULL_FIELD) endValue(at + 2);
    else {
      v128.store(o, v128.load(column));
      o += load<u32>(column, REFERENCE_LENGTH);
      store<u64>(o, number);
      o = copyCell(at, o + numberLength, load<u32>(column, FORM));
      if (o == 0 || valueEnd - at > MAX_CHARACTERS) return 0;
    }
    const isLast = column + COLUMN == tableEnd;
    if (load<u8>(valueEnd) != (isLast ? LINE_FEED : TAB)) return 0;
    at = valueEnd + 1;
  }
  return at == end ? put(o, ROW_END) : 0;
}

// @ts-ignore: decorator
@inline function put(o: usize, part: usize): usize {
  const from = markup + part;
  v128.store(o, v128.load(from));
  v128.store(o, v128.load(from, 16), 16);
  return o + load<u32>(from, MARKUP_LENGTH);
}

/** Returns the address after the cell, 0 if it is left to the caller, and sets `valueEnd`. */
function copyCell(at: usize, o: usize, form: u32): usize {
  switch (form) {
    case INTEGER:
      return copyNumber(at, o);
    case EXACT:
    case DOUBLE:
      return copyIfNumber(at, o, form);
    case BOOLEAN:
      return copyBoolean(at, o);
    case DATE:
    case DATE_TIME:
      return copyDate(at, o, form);
    default:
      return copyPlainText(at, o);
  }
}

function copyNumber(at: usize, o: usize): usize {
  const end = copyUntil(at, put(o, NUMBER_START), SPACE, BACKSLASH, BACKSLASH);
  return isEnd(load<u8>(valueEnd)) ? put(end, VALUE_END) : 0;
}

function copyIfNumber(at: usize, o: usize, form: u32): usize {
  const first = load<u8>(at);
  const isNumber = isDigit(first == MINUS ? load<u8>(at + 1) : first);
  const end = isNumber ? copyNumber(at, o) : 0;
  if (isNumber) {
    if (end == 0) return 0;
    const judged = form == EXACT ? isExact(at, valueEnd) : isReadable(at, valueEnd);
    if (judged == UNKNOWN) return 0;
    if (judged == YES) return end;
  }
  return form == EXACT ? copyTextCell(at, put(o, QUOTED_START)) : copyPlainText(at, o);
}

// @ts-ignore: decorator
@inline function isDigit(byte: u8): bool {
  return byte - 0x30 <= 9;
}

/** Returns whether a double has all digits of a number. */
function isExact(from: usize, end: usize): u32 {
  if (end - from <= EXACT_DIGITS) return YES;
  if (end - from > LONGEST_NUMBER) return UNKNOWN;
  let significant: usize = 0;
  let zeros: usize = 0;
  let hasPoint = false;
  for (let at = load<u8>(from) == MINUS ? from + 1 : from; at < end; at++) {
    const byte = load<u8>(at);
    if (byte == 0x2e && !hasPoint) hasPoint = true;
    else if (!isDigit(byte)) return UNKNOWN;
    else if (byte != 0x30) {
      significant += zeros + 1;
      zeros = 0;
    } else if (significant > 0) zeros++;
  }
  return significant <= EXACT_DIGITS ? YES : NO;
}

/** Returns whether spreadsheets read a number of JavaScript: 0, or one that is not near the ends of the range of doubles. */
function isReadable(from: usize, end: usize): u32 {
  if (end - from < JUDGED_LENGTH) return YES;
  let at = load<u8>(from) == MINUS ? from + 1 : from;
  let hasPoint = false;
  for (; at < end; at++) {
    const byte = load<u8>(at);
    if (byte == 0x2e && !hasPoint) hasPoint = true;
    else if (!isDigit(byte)) break;
  }
  if (at == end) return end - from <= LONGEST_NUMBER ? YES : UNKNOWN;
  if (load<u8>(at) != 0x65 || at - from > LONGEST_MANTISSA) return UNKNOWN;
  const sign = load<u8>(++at);
  if (sign == MINUS || sign == 0x2b) at++;
  if (at == end || end - at > 3) return UNKNOWN;
  let exponent: u32 = 0;
  for (; at < end; at++) {
    const byte = load<u8>(at);
    if (!isDigit(byte)) return UNKNOWN;
    exponent = exponent * 10 + (byte - 0x30);
  }
  return exponent <= LARGEST_EXPONENT ? YES : UNKNOWN;
}

function copyBoolean(at: usize, o: usize): usize {
  endValue(at + 1);
  const letter = load<u8>(at);
  if (letter == 0x74) return put(o, TRUE_CELL);
  return letter == 0x66 ? put(o, FALSE_CELL) : 0;
}

function copyDate(at: usize, o: usize, form: u32): usize {
  const serial = serialOf(at);
  if (serial == NO_SERIAL) return copyPlainText(at, o);
  if (serial == UNKNOWN_SERIAL) return 0;
  const hasFraction = valueEnd - at > DAY_AND_SECONDS;
  const start = form == DATE ? DATE_START : hasFraction ? FRACTION_START : DATE_TIME_START;
  return put(writeSerial(put(o, start), serial), VALUE_END);
}

/** Copies a text. One that a spreadsheet would read as a formula or a number keeps a quote prefix. */
function copyPlainText(at: usize, o: usize): usize {
  const first = load<u8>(at);
  const isQuoted = first == 0x3d || first == MINUS || first == 0x2b || first == 0x40;
  return copyTextCell(at, put(o, isQuoted ? QUOTED_START : TEXT_START));
}

/** Copies a text after the start of its cell, whose last byte is the `>` that an attribute precedes. */
function copyTextCell(at: usize, start: usize): usize {
  let end = copyText(at, start);
  if (end == 0) return 0;
  if (keepsSpace) {
    const length = load<u32>(markup + PRESERVE, MARKUP_LENGTH);
    memory.copy(start - 1 + length, start - 1, end - start + 1);
    memory.copy(start - 1, markup + PRESERVE, length);
    end += length;
  }
  return put(end, TEXT_END);
}
