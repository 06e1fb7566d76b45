/**
 * CSV as the server writes it: takes the messages off, and puts the rows one after the other. For lines that end with
 * CR LF it writes both in place of the LF that ends each row; an LF inside a value is no end of a row.
 *
 * A row is the bytes of one message, and ends with LF. Otherwise the kernel stops with MALFORMED, at that message.
 */
import { HEAD, rowLength, Stop } from './frames';

const LINE_FEED: u8 = 0x0a;
const CARRIAGE_RETURN: u8 = 0x0d;

/** A short row is copied 16 bytes at a time; behind the output are 16 bytes for those after its end. */
const SHORT: usize = 16;

let outStart: usize = 0;
let outEnd: usize = 0;
let out: usize = 0;
let longest: usize = 0;
let crlf: bool = false;
let rows: u32 = 0;
let stop: u32 = Stop.NO_ROW;

/**
 * @param start of the output, which has `length` bytes and 16 more
 * @param longestRow a longer row is left to the caller; the output has room for one, and one byte more
 */
export function init(start: usize, length: usize, longestRow: usize, withCrlf: bool): void {
  outStart = start;
  outEnd = start + length;
  out = start;
  longest = longestRow;
  crlf = withCrlf;
  rows = 0;
}

/** Encodes the rows from `at` to `end`, and returns where it stopped. */
export function encode(from: usize, end: usize): usize {
  let at = from;
  let length = rowLength(at, end, longest);
  while (length >= 0) {
    const row = at + HEAD;
    const size = <usize>length;
    if (size + 1 > outEnd - out) {
      stop = Stop.FULL;
      return at;
    }
    if (size == 0 || load<u8>(row + size - 1) != LINE_FEED) {
      stop = Stop.MALFORMED;
      return at;
    }
    copy(row, size);
    out += size;
    if (crlf) {
      store<u8>(out - 1, CARRIAGE_RETURN);
      store<u8>(out, LINE_FEED);
      out++;
    }
    rows++;
    at = row + size;
    length = rowLength(at, end, longest);
  }
  stop = Stop.NO_ROW;
  return at;
}

/** Copies 16 bytes at a time; the rest of the last ones is overwritten by the next row. */
function copy(from: usize, length: usize): void {
  if (length > 1024) {
    memory.copy(out, from, length);
    return;
  }
  for (let n: usize = 0; n < length; n += SHORT) v128.store(out + n, v128.load(from + n));
}

export function stopped(): u32 {
  return stop;
}

/** Returns the bytes of the output. */
export function filled(): usize {
  return out - outStart;
}

/** Empties the output, except for `rest` bytes that the caller has moved to its beginning. */
export function drain(rest: usize): void {
  out = outStart + rest;
}

/** Returns the rows encoded so far. */
export function rowCount(): u32 {
  return rows;
}
