/**
 * What all kernels share: the frames of the protocol, which hold the rows.
 *
 * The server sends a row of COPY as one message: the letter `d`, 4 bytes of length in network order, which count
 * themselves, and the bytes of the row.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-COPYDATA
 */

/** Why a kernel stopped: `stops` of lib/kernels/row-kernel.ts has the same numbers. */
export namespace Stop {
  /** The rest is no whole row: part of one, another message, or a row that is too long. */
  export const NO_ROW: u32 = 0;
  /** The output has no room for the next row. */
  export const FULL: u32 = 1;
  /** The row has a value that its type cannot have, or another number of values than there are columns. */
  export const MALFORMED: u32 = 2;
  /** The row is left to the caller. */
  export const OTHER: u32 = 3;
  /** The rows have ended, as COPY's binary format says. */
  export const END: u32 = 4;
}

/** Bytes of the letter and the length. */
export const HEAD: usize = 5;
const COPY_DATA: u8 = 0x64;

/**
 * Returns the length of the row whose message begins at `at`, without its head. Returns -1 if the bytes up to `end` have
 * no whole message of a row there, or its row has more than `longest` bytes. Reads nothing from `end` on.
 */
export function rowLength(at: usize, end: usize, longest: usize): isize {
  if (end - at < HEAD || load<u8>(at) != COPY_DATA) return -1;
  const length = <usize>bswap<u32>(load<u32>(at, 1)) - (HEAD - 1);
  return length > longest || length > end - at - HEAD ? -1 : <isize>length;
}
