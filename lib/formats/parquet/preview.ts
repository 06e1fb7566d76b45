import { type BinaryRow, CopyBinaryParser } from '../../sources/copy/binary-parser.ts';
import type { PreviewValue } from '../format.ts';
import { PlainBuffer } from './plain-buffer.ts';
import type { FileColumn } from './schema.ts';
import { clockText } from './time-of-day.ts';
import { type ParquetType, physicalType } from './types.ts';
import { toRowError, UnsupportedValueError } from './unsupported-value.ts';

/**
 * Returns the rows of COPY's binary format, each value as a reader of the file would show it. The text is derived
 * from the bytes that the file would contain, so that the preview shows NULL where `nullPolicy` applies.
 */
export function previewRows(columns: readonly FileColumn[], copyOutput: Buffer): PreviewValue[][] {
  const row = new CopyBinaryParser(columns.length);
  const previewers = columns.map((column) => ({ name: column.name, preview: previewerOf(column) }));
  const rows: PreviewValue[][] = [];
  row.push(copyOutput);
  while (row.next())
    rows.push(
      previewers.map(({ name, preview }, n) => {
        try {
          return preview(row, n);
        } catch (error) {
          throw toRowError(error, rows.length + 1, name);
        }
      }),
    );
  return rows;
}

/** Returns the function that previews a column. A list becomes a JSON array of the texts of its values. */
function previewerOf({
  parquetType,
  list,
}: FileColumn): (row: BinaryRow, n: number) => PreviewValue {
  const values = new PlainBuffer();
  const one = (view: DataView, at: number, length: number): PreviewValue => {
    values.clear();
    return length >= 0 && parquetType.encode(values, view, at, length)
      ? textOf(parquetType, values)
      : null;
  };
  return ({ view, starts, lengths }, n) => {
    const [at = 0, length = -1] = [starts[n], lengths[n]];
    if (!list || length < 0) return one(view, at, length);
    return JSON.stringify([...elementsOf(view, at)].map((it) => one(view, ...it)));
  };
}

/** Yields offset and length of the elements of an array. `ColumnChunkWriter` repeats this without a generator, for speed. */
function* elementsOf(view: DataView, at: number): Generator<[at: number, bytes: number]> {
  const dimensions = view.getInt32(at);
  if (dimensions > 1)
    throw new UnsupportedValueError(
      `is an array of ${dimensions} dimensions; a list in the file has one`,
    );
  const elements = dimensions === 0 ? 0 : view.getInt32(at + 12);
  let next = at + 20;
  for (let n = 0; n < elements; n++) {
    const bytes = view.getInt32(next);
    yield [next + 4, bytes];
    next += 4 + Math.max(bytes, 0);
  }
}

/** Returns the text of a value in PLAIN encoding, by its physical type and by the meaning that the type name gives. */
function textOf(parquetType: ParquetType, { bytes, view, length }: PlainBuffer): string {
  switch (parquetType.physicalType) {
    case physicalType.boolean:
      return view.getUint8(0) === 1 ? 'true' : 'false';
    case physicalType.int32:
      return parquetType.name === 'DATE'
        ? dayText(view.getInt32(0, true))
        : wholeText(parquetType, BigInt(view.getInt32(0, true)));
    case physicalType.int64:
      return wholeText(parquetType, view.getBigInt64(0, true));
    case physicalType.float:
      return floatText(view.getFloat32(0, true));
    case physicalType.double:
      return doubleText(view.getFloat64(0, true));
    case physicalType.byteArray: {
      const content = bytes.subarray(4, length);
      return parquetType.name === 'BYTE_ARRAY'
        ? `\\x${content.toString('hex')}`
        : content.toString();
    }
    case physicalType.fixed:
      return parquetType.name === 'UUID'
        ? bytes.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
        : wholeText(parquetType, (view.getBigInt64(0) << 64n) | view.getBigUint64(8));
    default:
      return parquetType.physicalType satisfies never;
  }
}

function wholeText({ name }: ParquetType, value: bigint): string {
  const scale = /^DECIMAL\(\d+,(\d+)\)$/.exec(name)?.[1];
  if (scale !== undefined) return decimalText(value, Number(scale));
  if (name.startsWith('TIMESTAMP')) {
    const seconds = floorDivide(value, 1_000_000n);
    const day = floorDivide(seconds, 86_400n);
    const time = clockText(Number(value - day * 86_400_000_000n));
    return `${dayText(Number(day))} ${time}${name.includes('UTC') ? 'Z' : ''}`;
  }
  return name.startsWith('TIME') ? clockText(Number(value)) : String(value);
}

const floorDivide = (value: bigint, by: bigint): bigint => {
  const quotient = value / by;
  return quotient * by > value ? quotient - 1n : quotient;
};

function decimalText(value: bigint, scale: number): string {
  if (scale === 0) return String(value);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Returns a day in ISO 8601; beyond the range of `Date`, by its number. */
function dayText(days: number): string {
  const date = new Date(days * 86_400_000);
  return Number.isNaN(date.getTime())
    ? `day ${days} from 1970-01-01`
    : date.toISOString().replace(/T.*/, '');
}

const doubleText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** Returns the shortest decimal number that is the same value in 32 bits. */
function floatText(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return doubleText(Number(text));
  }
  return doubleText(value);
}
