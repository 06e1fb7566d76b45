import type { SourceColumn } from '../../sources/datasets.ts';

/**
 * How COPY's text of a column becomes JSON. For types that are not listed here the server encodes the JSON.
 */
export type JsonEncoding = 'number' | 'double' | 'boolean' | 'string' | 'timestamp' | 'json';

const encodings: readonly (readonly [RegExp, JsonEncoding])[] = [
  [/^(smallint|integer)$/, 'number'],
  [/^(real|double precision)$/, 'double'],
  [/^boolean$/, 'boolean'],
  // A double cannot hold every 64-bit integer or exact number. The server sends bytes as base64.
  [/^(bigint|numeric(\(\d+,-?\d+\))?|bytea)$/, 'string'],
  [/^(text|character( varying)?(\(\d+\))?|uuid|money|inet|cidr|macaddr8?)$/, 'string'],
  [/^(date|time(\(\d\))? with(out)? time zone|interval(\(\d\))?)$/, 'string'],
  [/^timestamp(\(\d\))? with(out)? time zone$/, 'timestamp'],
];

export const jsonEncodingOf = ({ base }: Pick<SourceColumn, 'base'>): JsonEncoding =>
  encodings.find(([types]) => types.test(base))?.[1] ?? 'json';

/** Returns whether the server encodes the values of the column as JSON. */
export const encodedByServer = (column: Pick<SourceColumn, 'base'>): boolean =>
  jsonEncodingOf(column) === 'json' && !/^jsonb?$/.test(column.base);

const types: Record<JsonEncoding, string> = {
  number: 'number',
  double: 'number',
  boolean: 'boolean',
  string: 'string',
  timestamp: 'string',
  json: 'any',
};

/** Returns the JSON type of a column: all its values have that type or are null. */
export function jsonType(column: SourceColumn): string {
  if (/\[\]$|^(int2|oid)vector$/.test(column.base)) return 'array';
  return encodedByServer(column) ? (column.inJson ?? 'string') : types[jsonEncodingOf(column)];
}
