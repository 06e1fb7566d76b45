/**
 * Encodes levels in Parquet's RLE/bit-packing hybrid: runs of at least 8 equal levels, and between them groups of 8
 * levels of `bits` bits each. https://github.com/apache/parquet-format/blob/master/Encodings.md#RLE
 */
export function encodeRleHybrid(levels: Uint8Array, bits: 1 | 2): Buffer {
  const out: number[] = [];
  let at = 0;
  while (at < levels.length) {
    const run = runLength(levels, at);
    if (run >= 8) {
      varint(out, run * 2);
      out.push(levels[at] ?? 0);
      at += run;
    } else at = packGroups(levels, at, bits, out);
  }
  return Buffer.from(out);
}

function runLength(levels: Uint8Array, from: number): number {
  let at = from + 1;
  while (at < levels.length && levels[at] === levels[from]) at++;
  return at - from;
}

/** Packs groups up to the start of the next run and returns its index. The last group of a page is padded with zeros. */
function packGroups(levels: Uint8Array, from: number, bits: number, out: number[]): number {
  let at = from;
  const packed: number[] = [];
  do {
    let group = 0;
    for (let n = 0; n < 8; n++) group |= (levels[at + n] ?? 0) << (n * bits);
    for (let n = 0; n < bits; n++) packed.push((group >> (8 * n)) & 0xff);
    at += 8;
  } while (at < levels.length && runLength(levels, at) < 8);
  varint(out, (packed.length / bits) * 2 + 1);
  for (const byte of packed) out.push(byte);
  return Math.min(at, levels.length);
}

function varint(out: number[], value: number): void {
  let rest = value;
  for (; rest > 127; rest >>>= 7) out.push((rest & 127) | 128);
  out.push(rest);
}
