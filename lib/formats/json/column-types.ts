import type { SourceColumn } from '../sources/datasets.ts';

/**
 * What COPY's text of a column is to JSON. All that is not told apart here the server sends as JSON that it
 * has made.
 */
export type Kind = 'number' | 'double' | 'boolean' | 'string' | 'moment' | 'json';

const kinds: readonly (readonly [RegExp, Kind])[] = [
  [/^(smallint|integer)$/, 'number'],
  [/^(real|double precision)$/, 'double'],
  [/^boolean$/, 'boolean'],
  // A double does not hold all integers of 64 bits, nor exact numbers. Bytes come as base64.
  [/^(bigint|numeric(\(\d+,-?\d+\))?|bytea)$/, 'string'],
  [/^(text|character( varying)?(\(\d+\))?|uuid|money|inet|cidr|macaddr8?)$/, 'string'],
  [/^(date|time(\(\d\))? with(out)? time zone|interval(\(\d\))?)$/, 'string'],
  [/^timestamp(\(\d\))? with(out)? time zone$/, 'moment'],
];

export const kindOf = ({ base }: Pick<SourceColumn, 'base'>): Kind =>
  kinds.find(([types]) => types.test(base))?.[1] ?? 'json';

/** Whether the server is to make JSON of it. */
export const isMade = (column: Pick<SourceColumn, 'base'>): boolean =>
  kindOf(column) === 'json' && !/^jsonb?$/.test(column.base);

const types: Record<Kind, string> = {
  number: 'number',
  double: 'number',
  boolean: 'boolean',
  string: 'string',
  moment: 'string',
  json: 'any',
};

/** The name, in JSON's terms, of what a column becomes: one type for all its values, or null. */
export function jsonType(column: SourceColumn): string {
  if (/\[\]$|^(int2|oid)vector$/.test(column.base)) return 'array';
  return isMade(column) ? (column.inJson ?? 'string') : types[kindOf(column)];
}
