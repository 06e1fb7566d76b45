import type { PlainBuffer } from './plain-buffer.ts';
import type { Struct } from './thrift.ts';
import { clockText } from './time-of-day.ts';
import { UnsupportedValueError } from './unsupported-value.ts';

/** `enum Type` of https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift */
export const physicalType = {
  boolean: 0,
  int32: 1,
  int64: 2,
  float: 4,
  double: 5,
  byteArray: 6,
  fixed: 7,
} as const;

/** How the values of a PostgreSQL type are stored in the file. */
export interface ParquetType {
  /** `fileType` in the manifest. */
  name: string;
  physicalType: (typeof physicalType)[keyof typeof physicalType];
  /** Bytes of a value as PostgreSQL sends it; absent: the length varies. */
  wireBytes?: number;
  /** Bytes of a value of the physical type `fixed`. */
  width?: number;
  /** Whether a value of the physical type `fixed` is a signed number, not bytes. */
  signed?: boolean;
  /** False: no reader skips data by the minimum and the maximum of such values. */
  isOrdered?: false;
  /** Writes the meaning of the bytes into the schema. */
  logical?: (element: Struct) => void;
  /** Of a decimal: its digits, and those of them after the decimal point. */
  decimal?: { digits: number; scale: number };
  /** Which values become NULL; absent: no value does. */
  nullPolicy?: string;
  /** Encodes a value of PostgreSQL's binary form; returns false if it becomes NULL. Throws `UnsupportedValueError`. */
  encode(out: PlainBuffer, from: DataView, at: number, length: number): boolean;
}

const noop = () => undefined;

/** The older form of a logical type, for readers that do not know the newer one. */
export const convertedType = { utf8: 0, decimal: 5, date: 6, timestampMicros: 10, json: 19 };

export const logicalType = (
  element: Struct,
  id: number,
  fields: (type: Struct) => void = noop,
): void => element.struct(10, (union) => union.struct(id, fields));

/** A time in microseconds; `utc`: in UTC, else in an unknown time zone. */
const micros = (element: Struct, id: number, utc: boolean): void =>
  logicalType(element, id, (type) => {
    type.bool(1, utc);
    type.struct(2, (unit) => unit.struct(2, noop));
  });

/** Returns a type whose bytes are stored unchanged, without the first `skip` bytes. */
const bytes = (
  name: string,
  logical?: (element: Struct) => void,
  { skip = 0, ...more }: { skip?: number; isOrdered?: false } = {},
): ParquetType => ({
  name,
  physicalType: physicalType.byteArray,
  ...(logical ? { logical } : {}),
  ...more,
  encode(out, from, at, length) {
    out.byteArray(from, at + skip, length - skip);
    return true;
  },
});

const asJson = (element: Struct): void => {
  element.i32(6, convertedType.json);
  logicalType(element, 12);
};

const asText = (element: Struct): void => {
  element.i32(6, convertedType.utf8);
  logicalType(element, 1);
};

/** Days and microseconds from the Unix epoch to that of PostgreSQL, 2000-01-01. */
const epochDays = 10_957;
const epochMicros = 946_684_800_000_000n;
const epochHigh = Number(epochMicros >> 32n);
const epochLow = Number(epochMicros & 0xffff_ffffn);
const infinities = 'infinity and -infinity are NULL';

const timestamp = (name: string, utc: boolean): ParquetType => ({
  name,
  physicalType: physicalType.int64,
  wireBytes: 8,
  logical(element) {
    // The older form means UTC, so a local time has none.
    if (utc) element.i32(6, convertedType.timestampMicros);
    micros(element, 8, utc);
  },
  nullPolicy: infinities,
  encode(out, from, at) {
    const high = from.getInt32(at);
    const low = from.getUint32(at + 4);
    if (high === 0x7fff_ffff && low === 0xffff_ffff) return false;
    if (high === -0x8000_0000 && low === 0) return false;
    const sum = low + epochLow;
    const carried = high + epochHigh + (sum > 0xffff_ffff ? 1 : 0);
    // DuckDB reads the last microsecond of 64 bits as infinity.
    if (carried > 0x7fff_ffff || (carried === 0x7fff_ffff && (sum | 0) === -1))
      throw new UnsupportedValueError(
        'is a time later than 294247-01-10, which microseconds in 64 bits do not reach',
      );
    out.int64(carried, sum | 0);
    return true;
  },
});

/** Integers and floating-point numbers alike: only the byte order changes. */
const fourBytes: ParquetType['encode'] = (out, from, at) => {
  out.int32(from.getInt32(at));
  return true;
};
const eightBytes: ParquetType['encode'] = (out, from, at) => {
  out.int64(from.getInt32(at), from.getInt32(at + 4));
  return true;
};

export const columnTypes = {
  boolean: {
    name: 'BOOLEAN',
    physicalType: physicalType.boolean,
    wireBytes: 1,
    encode(out, from, at) {
      out.bit(from.getUint8(at) !== 0);
      return true;
    },
  },
  int2: {
    name: 'INT32',
    physicalType: physicalType.int32,
    wireBytes: 2,
    encode(out, from, at) {
      out.int32(from.getInt16(at));
      return true;
    },
  },
  int4: {
    name: 'INT32',
    physicalType: physicalType.int32,
    wireBytes: 4,
    encode: fourBytes,
  },
  int8: {
    name: 'INT64',
    physicalType: physicalType.int64,
    wireBytes: 8,
    encode: eightBytes,
  },
  float4: {
    name: 'FLOAT',
    physicalType: physicalType.float,
    wireBytes: 4,
    encode: fourBytes,
  },
  float8: {
    name: 'DOUBLE',
    physicalType: physicalType.double,
    wireBytes: 8,
    encode: eightBytes,
  },
  timestamptz: timestamp('TIMESTAMP(µs, UTC)', true),
  timestamp: timestamp('TIMESTAMP(µs, local)', false),
  date: {
    name: 'DATE',
    physicalType: physicalType.int32,
    wireBytes: 4,
    logical(element) {
      element.i32(6, convertedType.date);
      logicalType(element, 6);
    },
    nullPolicy: infinities,
    encode(out, from, at) {
      const days = from.getInt32(at);
      if (days === 0x7fff_ffff || days === -0x8000_0000) return false;
      out.int32(days + epochDays);
      return true;
    },
  },
  time: {
    name: 'TIME(µs, local)',
    physicalType: physicalType.int64,
    wireBytes: 8,
    logical: (element) => micros(element, 7, false),
    encode: eightBytes,
  },
  uuid: {
    name: 'UUID',
    physicalType: physicalType.fixed,
    wireBytes: 16,
    width: 16,
    logical: (element) => logicalType(element, 14),
    encode(out, from, at) {
      out.copy(from, at, 16);
      return true;
    },
  },
  bytea: bytes('BYTE_ARRAY'),
  json: bytes('JSON', asJson, { isOrdered: false }),
  // Without the leading version byte.
  jsonb: bytes('JSON', asJson, { isOrdered: false, skip: 1 }),
  text: bytes('STRING', asText),
} as const satisfies Record<string, ParquetType>;

const ascii = (wireBytes: number, textOf: (from: DataView, at: number) => string): ParquetType => ({
  ...columnTypes.text,
  wireBytes,
  encode(out, from, at) {
    out.ascii(textOf(from, at));
    return true;
  },
});

const hexadecimal = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function uuidText(from: DataView, at: number): string {
  let text = '';
  for (let n = 0; n < 16; n++) {
    if (n === 4 || n === 6 || n === 8 || n === 10) text += '-';
    text += hexadecimal[from.getUint8(at + n)] ?? '';
  }
  return text;
}

/** The same values as text, for readers that reject a file with a type they do not know. */
export const asStrings = {
  time: ascii(8, (from, at) => clockText(from.getInt32(at) * 2 ** 32 + from.getUint32(at + 4))),
  uuid: ascii(16, uuidText),
  json: bytes('STRING', asText, { isOrdered: false }),
  jsonb: bytes('STRING', asText, { isOrdered: false, skip: 1 }),
} as const satisfies Record<string, ParquetType>;
