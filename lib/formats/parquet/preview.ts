import type { Shown } from '../format.ts';
import { clockText } from './clock.ts';
import { type CopyRow, CopyRows } from './copy-rows.ts';
import { type Kind, physical } from './kinds.ts';
import type { FileColumn } from './mapping.ts';
import { Unfit, unfitRow } from './unfit.ts';
import { Values } from './values.ts';

/**
 * The rows in COPY's binary format, each value as a reader of the file would write it down. It is told from
 * the bytes that stand in the file, so that what becomes NULL by policy is seen to.
 */
export function showRows(columns: readonly FileColumn[], copied: Buffer): Shown[][] {
  const row = new CopyRows(columns.length);
  const shown = columns.map((column) => ({ name: column.name, show: showing(column) }));
  const rows: Shown[][] = [];
  row.push(copied);
  while (row.next())
    rows.push(
      shown.map(({ name, show }, n) => {
        try {
          return show(row, n);
        } catch (error) {
          throw unfitRow(error, rows.length + 1, name);
        }
      }),
    );
  return rows;
}

/** A list is an array of JSON, of what its values are each. */
function showing({ kind, list }: FileColumn): (row: CopyRow, n: number) => Shown {
  const values = new Values();
  const one = (view: DataView, at: number, length: number): Shown => {
    values.clear();
    return length >= 0 && kind.put(values, view, at, length) ? textOf(kind, values) : null;
  };
  return ({ view, starts, lengths }, n) => {
    const [at = 0, length = -1] = [starts[n], lengths[n]];
    if (!list || length < 0) return one(view, at, length);
    return JSON.stringify([...elementsOf(view, at)].map((it) => one(view, ...it)));
  };
}

/** Where the elements of an array are, and how many bytes each has; see `Column`, which is in a hurry. */
function* elementsOf(view: DataView, at: number): Generator<[at: number, bytes: number]> {
  const dimensions = view.getInt32(at);
  if (dimensions > 1)
    throw new Unfit(`is an array of ${dimensions} dimensions, a list in the file has one`);
  const elements = dimensions === 0 ? 0 : view.getInt32(at + 12);
  let next = at + 20;
  for (let n = 0; n < elements; n++) {
    const bytes = view.getInt32(next);
    yield [next + 4, bytes];
    next += 4 + Math.max(bytes, 0);
  }
}

/** Of a value as it stands in a page (PLAIN encoding), by the physical type, and what the name says it means. */
function textOf(kind: Kind, { bytes, view, length }: Values): string {
  switch (kind.physical) {
    case physical.boolean:
      return view.getUint8(0) === 1 ? 'true' : 'false';
    case physical.int32:
      return kind.name === 'DATE'
        ? dayText(view.getInt32(0, true))
        : wholeText(kind, BigInt(view.getInt32(0, true)));
    case physical.int64:
      return wholeText(kind, view.getBigInt64(0, true));
    case physical.float:
      return floatText(view.getFloat32(0, true));
    case physical.double:
      return doubleText(view.getFloat64(0, true));
    case physical.byteArray: {
      const content = bytes.subarray(4, length);
      return kind.name === 'BYTE_ARRAY' ? `\\x${content.toString('hex')}` : content.toString();
    }
    case physical.fixed:
      return kind.name === 'UUID'
        ? bytes.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
        : wholeText(kind, (view.getBigInt64(0) << 64n) | view.getBigUint64(8));
    default:
      return kind.physical satisfies never;
  }
}

function wholeText({ name }: Kind, value: bigint): string {
  const scale = /^DECIMAL\(\d+,(\d+)\)$/.exec(name)?.[1];
  if (scale !== undefined) return decimalText(value, Number(scale));
  if (name.startsWith('TIMESTAMP')) {
    const seconds = floored(value, 1_000_000n);
    const day = floored(seconds, 86_400n);
    const time = clockText(Number(value - day * 86_400_000_000n));
    return `${dayText(Number(day))} ${time}${name.includes('UTC') ? 'Z' : ''}`;
  }
  return name.startsWith('TIME') ? clockText(Number(value)) : String(value);
}

const floored = (value: bigint, by: bigint): bigint => {
  const quotient = value / by;
  return quotient * by > value ? quotient - 1n : quotient;
};

function decimalText(value: bigint, scale: number): string {
  if (scale === 0) return String(value);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** ISO 8601; a day that Date does not reach is told by its number. */
function dayText(days: number): string {
  const date = new Date(days * 86_400_000);
  return Number.isNaN(date.getTime())
    ? `day ${days} from 1970-01-01`
    : date.toISOString().replace(/T.*/, '');
}

const doubleText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** The shortest number that is this one in 32 bits. */
function floatText(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return doubleText(Number(text));
  }
  return doubleText(value);
}
