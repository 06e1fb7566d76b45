/** Returns rows in COPY's binary format, as PostgreSQL writes it. */
export function toCopyBinary(rows: readonly (readonly (Uint8Array | null)[])[]): Buffer {
  return Buffer.concat([
    Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'),
    Buffer.alloc(8),
    ...rows.flatMap((row) => [int16(row.length), ...row.flatMap(field)]),
    int16(-1),
  ]);
}

const field = (value: Uint8Array | null): Uint8Array[] =>
  value === null ? [int32(-1)] : [int32(value.length), value];

const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};

export const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

export const int64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
};

/** Returns a numeric, given as decimal text, as `numeric_send` encodes it. */
export function numeric(text: string): Buffer {
  const special = { NaN: 0xc000, Infinity: 0xd000, '-Infinity': 0xf000 }[text];
  if (special !== undefined) return Buffer.concat([int32(0), Buffer.from([special >> 8, 0, 0, 0])]);
  const sign = text.startsWith('-') ? 0x4000 : 0;
  const [whole = '', decimals = ''] = text.replace('-', '').split('.');
  const digits =
    whole.padStart(Math.ceil(whole.length / 4) * 4, '0') +
    decimals.padEnd(Math.ceil(decimals.length / 4) * 4, '0');
  const groups = (digits.match(/.{4}/g) ?? []).map(Number);
  let weight = Math.ceil(whole.length / 4) - 1;
  while (groups[0] === 0) {
    groups.shift();
    weight--;
  }
  while (groups.at(-1) === 0) groups.pop();
  const head = [int16(groups.length), int16(groups.length === 0 ? 0 : weight)];
  return Buffer.concat([...head, int16(sign), int16(decimals.length), ...groups.map(int16)]);
}

/** Returns an array of one dimension as `array_send` encodes it. */
export function array(values: readonly (Uint8Array | null)[]): Buffer {
  const dimensions = values.length === 0 ? [] : [int32(values.length), int32(1)];
  const head = [int32(dimensions.length / 2), int32(Number(values.includes(null))), int32(0)];
  return Buffer.concat([...head, ...dimensions, ...values.flatMap(field)]);
}

/** Returns the bytes cut into chunks at these offsets (modulo the length). */
export function cutAt(bytes: Buffer, offsets: readonly number[]): Buffer[] {
  const ends = [...offsets.map((offset) => offset % bytes.length), bytes.length].toSorted(
    (a, b) => a - b,
  );
  return ends.map((end, n) => bytes.subarray(ends[n - 1] ?? 0, end));
}
