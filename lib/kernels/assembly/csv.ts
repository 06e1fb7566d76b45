/**
 * CSV as the server writes it: takes the messages off, and puts the rows one after the other. For lines that end with
 * CR LF it writes both in place of the LF that ends each row; an LF inside a value is no end of a row.
 *
 * A row is the bytes of one message, and ends with LF. Otherwise the kernel stops with MALFORMED, at that message.
 */
import { HEAD, rowLength, Stop } from './frames';
import { beginOutput, endRow, isFull, out } from './text-output';

export { addRow, filled, rowCount, setFilled } from './text-output';

const LINE_FEED: u8 = 0x0a;
const CARRIAGE_RETURN: u8 = 0x0d;
/** Bytes from which on a native copy is faster than a loop. */
const LONG: usize = 1024;

let longest: usize = 0;
let crlf: bool = false;
let stop: u32 = Stop.NO_ROW;

/**
 * @param longestRow bytes; a longer row is left to the caller
 * @param withCrlf whether rows end with CR LF, and have one byte more
 */
export function init(address: usize, chunkBytes: usize, longestRow: usize, withCrlf: bool): void {
  beginOutput(address, chunkBytes);
  longest = longestRow;
  crlf = withCrlf;
}

/** Encodes the rows from `from` to `end`, and returns where it stopped. */
export function encode(from: usize, end: usize): usize {
  let at = from;
  stop = Stop.NO_ROW;
  let length = rowLength(at, end, longest);
  while (length >= 0) {
    const row = at + HEAD;
    const size = <usize>length;
    if (isFull()) {
      stop = Stop.FULL;
      return at;
    }
    if (size == 0 || load<u8>(row + size - 1) != LINE_FEED) {
      stop = Stop.MALFORMED;
      return at;
    }
    let after = copy(row, size);
    if (crlf) {
      store<u8>(after - 1, CARRIAGE_RETURN);
      store<u8>(after, LINE_FEED);
      after++;
    }
    endRow(after);
    at = row + size;
    length = rowLength(at, end, longest);
  }
  return at;
}

/** Copies 16 bytes at a time; what is copied beyond the end of the row is overwritten by the next one. */
function copy(from: usize, length: usize): usize {
  if (length > LONG) memory.copy(out, from, length);
  else for (let n: usize = 0; n < length; n += 16) v128.store(out + n, v128.load(from + n));
  return out + length;
}

/** Returns why the last call of `encode` stopped. */
export function stopped(): u32 {
  return stop;
}
