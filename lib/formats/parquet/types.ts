import { clockText } from './clock.ts';
import type { Struct } from './thrift.ts';
import { Unfit } from './unfit.ts';
import type { Values } from './values.ts';

/** `enum Type` of https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift */
export const physical = {
  boolean: 0,
  int32: 1,
  int64: 2,
  float: 4,
  double: 5,
  byteArray: 6,
  fixed: 7,
} as const;

/** What the values of a PostgreSQL type become in the file. */
export interface Kind {
  /** For the manifest. */
  name: string;
  physical: (typeof physical)[keyof typeof physical];
  /** Bytes of every value as PostgreSQL sends it; absent: they differ. */
  sent?: number;
  /** Bytes of a value of the physical type `fixed`. */
  width?: number;
  /** The bytes of `fixed` are a number with a sign, not bytes. */
  signed?: boolean;
  /** Says in the schema what the bytes mean. */
  logical?: (element: Struct) => void;
  /** Which values become NULL, if some do. */
  policy?: string;
  /** Takes a value in PostgreSQL's binary form; false: it is to be NULL. Throws `Unfit`. */
  put(out: Values, from: DataView, at: number, length: number): boolean;
}

const nothing = () => undefined;

/** The old name of a type, for readers that do not know the new ones. */
export const convertedType = { utf8: 0, decimal: 5, date: 6, timestampMicros: 10, json: 19 };

export const logicalType = (
  element: Struct,
  id: number,
  fields: (type: Struct) => void = nothing,
): void => element.struct(10, (union) => union.struct(id, fields));

/** To the microsecond; in UTC, or in a zone that nobody says. */
const micros = (element: Struct, id: number, utc: boolean): void =>
  logicalType(element, id, (type) => {
    type.bool(1, utc);
    type.struct(2, (unit) => unit.struct(2, nothing));
  });

/** Bytes as they are, behind the first few. */
const bytes = (name: string, logical?: (element: Struct) => void, skip = 0): Kind => ({
  name,
  physical: physical.byteArray,
  ...(logical ? { logical } : {}),
  put(out, from, at, length) {
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

/** Days and microseconds from PostgreSQL's first moment, 2000-01-01, to that of Unix. */
const epochDays = 10_957;
const epochMicros = 946_684_800_000_000n;
const epochHigh = Number(epochMicros >> 32n);
const epochLow = Number(epochMicros & 0xffff_ffffn);
const infinities = 'infinity and -infinity are NULL';

const timestamp = (name: string, utc: boolean): Kind => ({
  name,
  physical: physical.int64,
  sent: 8,
  logical(element) {
    // The old name means UTC: a local time has none.
    if (utc) element.i32(6, convertedType.timestampMicros);
    micros(element, 8, utc);
  },
  policy: infinities,
  put(out, from, at) {
    const high = from.getInt32(at);
    const low = from.getUint32(at + 4);
    if (high === 0x7fff_ffff && low === 0xffff_ffff) return false;
    if (high === -0x8000_0000 && low === 0) return false;
    const sum = low + epochLow;
    const carried = high + epochHigh + (sum > 0xffff_ffff ? 1 : 0);
    // The last microsecond of them is infinity to DuckDB.
    if (carried > 0x7fff_ffff || (carried === 0x7fff_ffff && (sum | 0) === -1))
      throw new Unfit(
        'is a time later than 294247-01-10, which microseconds in 64 bits do not reach',
      );
    out.int64(carried, sum | 0);
    return true;
  },
});

/** As they are sent, whatever number they are. */
const fourBytes: Kind['put'] = (out, from, at) => {
  out.int32(from.getInt32(at));
  return true;
};
const eightBytes: Kind['put'] = (out, from, at) => {
  out.int64(from.getInt32(at), from.getInt32(at + 4));
  return true;
};

export const kinds = {
  boolean: {
    name: 'BOOLEAN',
    physical: physical.boolean,
    sent: 1,
    put(out, from, at) {
      out.bit(from.getUint8(at) !== 0);
      return true;
    },
  },
  int2: {
    name: 'INT32',
    physical: physical.int32,
    sent: 2,
    put(out, from, at) {
      out.int32(from.getInt16(at));
      return true;
    },
  },
  int4: {
    name: 'INT32',
    physical: physical.int32,
    sent: 4,
    put: fourBytes,
  },
  int8: {
    name: 'INT64',
    physical: physical.int64,
    sent: 8,
    put: eightBytes,
  },
  float4: {
    name: 'FLOAT',
    physical: physical.float,
    sent: 4,
    put: fourBytes,
  },
  float8: {
    name: 'DOUBLE',
    physical: physical.double,
    sent: 8,
    put: eightBytes,
  },
  timestamptz: timestamp('TIMESTAMP(µs, UTC)', true),
  timestamp: timestamp('TIMESTAMP(µs, local)', false),
  date: {
    name: 'DATE',
    physical: physical.int32,
    sent: 4,
    logical(element) {
      element.i32(6, convertedType.date);
      logicalType(element, 6);
    },
    policy: infinities,
    put(out, from, at) {
      const days = from.getInt32(at);
      if (days === 0x7fff_ffff || days === -0x8000_0000) return false;
      out.int32(days + epochDays);
      return true;
    },
  },
  time: {
    name: 'TIME(µs, local)',
    physical: physical.int64,
    sent: 8,
    logical: (element) => micros(element, 7, false),
    put: eightBytes,
  },
  uuid: {
    name: 'UUID',
    physical: physical.fixed,
    sent: 16,
    width: 16,
    logical: (element) => logicalType(element, 14),
    put(out, from, at) {
      out.copy(from, at, 16);
      return true;
    },
  },
  bytea: bytes('BYTE_ARRAY'),
  json: bytes('JSON', asJson),
  // Behind a version.
  jsonb: bytes('JSON', asJson, 1),
  text: bytes('STRING', asText),
} as const satisfies Record<string, Kind>;

const ascii = (sent: number, textOf: (from: DataView, at: number) => string): Kind => ({
  ...kinds.text,
  sent,
  put(out, from, at) {
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

/** Of the same bytes the text that PostgreSQL writes, for readers that refuse a file for a type they do not know. */
export const asStrings = {
  time: ascii(8, (from, at) => clockText(from.getInt32(at) * 2 ** 32 + from.getUint32(at + 4))),
  uuid: ascii(16, uuidText),
  json: bytes('STRING', asText),
  jsonb: bytes('STRING', asText, 1),
} as const satisfies Record<string, Kind>;
