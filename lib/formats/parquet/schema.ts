import type { ParquetTypes } from '../../contracts/format-capabilities.ts';
import type { SourceColumn } from '../../sources/datasets.ts';
import { decimal, maxPrecision } from './decimal.ts';
import { asStrings, columnTypes, type ParquetType } from './types.ts';

/** How a column of the source is stored in the file. */
export interface ColumnSchema {
  parquetType: ParquetType;
  /** Whether it is a list of values of the type. */
  list: boolean;
  /** Whether the source sends the text of its values, not their binary form. */
  sentAsText: boolean;
}

/** A column of the file. */
export interface FileColumn extends ColumnSchema {
  name: string;
}

/** Types whose binary form is supported, without modifiers. A `Map`, because a type may be named `constructor`. */
const native = new Map<string, ParquetType>([
  ['boolean', columnTypes.boolean],
  ['smallint', columnTypes.int2],
  ['integer', columnTypes.int4],
  ['bigint', columnTypes.int8],
  ['real', columnTypes.float4],
  ['double precision', columnTypes.float8],
  ['timestamp with time zone', columnTypes.timestamptz],
  ['timestamp without time zone', columnTypes.timestamp],
  ['date', columnTypes.date],
  ['time without time zone', columnTypes.time],
  ['uuid', columnTypes.uuid],
  ['bytea', columnTypes.bytea],
  ['json', columnTypes.json],
  ['jsonb', columnTypes.jsonb],
  ['text', columnTypes.text],
  ['character varying', columnTypes.text],
  ['character', columnTypes.text],
  ['bpchar', columnTypes.text],
  ['name', columnTypes.text],
]);

/** The same, with strings in place of the types that not every reader supports. */
const portable = new Map<string, ParquetType>([
  ...native,
  ['time without time zone', asStrings.time],
  ['uuid', asStrings.uuid],
  ['json', asStrings.json],
  ['jsonb', asStrings.jsonb],
]);

/** Returns the schema of a column, as in the table of docs/formats.md. */
export function columnSchemaOf(
  { base }: Pick<SourceColumn, 'base'>,
  types: ParquetTypes,
): ColumnSchema {
  const list = base.endsWith('[]');
  const parquetType = parquetTypeOf(list ? base.slice(0, -2) : base, types);
  if (parquetType) return { parquetType, list, sentAsText: false };
  return { parquetType: columnTypes.text, list: false, sentAsText: true };
}

function parquetTypeOf(type: string, types: ParquetTypes): ParquetType | undefined {
  const exact = /^numeric\((\d+),(-?\d+)\)$/.exec(type);
  if (!exact) return (types === 'portable' ? portable : native).get(type.replace(/\(\d+\)/, ''));
  const [digits, scale] = [Number(exact[1]), Number(exact[2])];
  // PostgreSQL allows scales below zero and above the number of digits; Parquet does not.
  return digits <= maxPrecision && scale >= 0 && scale <= digits
    ? decimal(digits, scale)
    : undefined;
}

export const columnsOf = (columns: readonly SourceColumn[], types: ParquetTypes): FileColumn[] =>
  columns.map((column) => ({ name: column.name, ...columnSchemaOf(column, types) }));

export const typeName = ({ parquetType, list }: ColumnSchema): string =>
  list ? `LIST<${parquetType.name}>` : parquetType.name;
