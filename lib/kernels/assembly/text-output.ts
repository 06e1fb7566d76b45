/**
 * The output of the kernels that write text: one region of memory, which is as long as a chunk, the longest row, and
 * 16 bytes for what is copied beyond the end of a row. A kernel stops when a chunk is full, so that there is always room
 * for the next row.
 */
let start: usize = 0;
let chunk: usize = 0;
let rows: u32 = 0;

/** Address of the next byte that is written. */
export let out: usize = 0;

/** @param chunkBytes of output after which a kernel stops */
export function beginOutput(address: usize, chunkBytes: usize): void {
  start = address;
  out = address;
  chunk = chunkBytes;
  rows = 0;
}

export function isFull(): bool {
  return out - start >= chunk;
}

/** Ends a row, at the address of the first byte after it. */
export function endRow(address: usize): void {
  out = address;
  rows++;
}

/** Returns the bytes of the output. */
export function filled(): usize {
  return out - start;
}

/** Sets the number of bytes of the output, after the caller has taken some of them, or has added some. */
export function setFilled(bytes: usize): void {
  out = start + bytes;
}

/** Returns the rows encoded so far. */
export function rowCount(): u32 {
  return rows;
}

/** Counts a row that the caller has encoded. */
export function addRow(): void {
  rows++;
}
