import type { ParquetTypes } from '../../contracts/format-capabilities.ts';
import type { SourceColumn } from '../../sources/datasets.ts';
import { decimal, mostDigits } from './decimal.ts';
import { asStrings, type Kind, kinds } from './kinds.ts';

/** What a column of the source becomes. */
export interface Mapping {
  kind: Kind;
  /** A list of values of the kind. */
  list: boolean;
  /** The source is to send the text that it writes for the value. */
  sentAsText: boolean;
}

/** A column of the file. */
export interface FileColumn extends Mapping {
  name: string;
}

/** Types whose binary form we read, without their modifiers. A map, because a type may be named `constructor`. */
const known = new Map<string, Kind>([
  ['boolean', kinds.boolean],
  ['smallint', kinds.int2],
  ['integer', kinds.int4],
  ['bigint', kinds.int8],
  ['real', kinds.float4],
  ['double precision', kinds.float8],
  ['timestamp with time zone', kinds.timestamptz],
  ['timestamp without time zone', kinds.timestamp],
  ['date', kinds.date],
  ['time without time zone', kinds.time],
  ['uuid', kinds.uuid],
  ['bytea', kinds.bytea],
  ['json', kinds.json],
  ['jsonb', kinds.jsonb],
  ['text', kinds.text],
  ['character varying', kinds.text],
  ['character', kinds.text],
  ['bpchar', kinds.text],
  ['name', kinds.text],
]);

/** Those that not every reader knows. */
const portable = new Map<string, Kind>([
  ...known,
  ['time without time zone', asStrings.time],
  ['uuid', asStrings.uuid],
  ['json', asStrings.json],
  ['jsonb', asStrings.jsonb],
]);

/** The table of docs/formats.md. */
export function mappingOf({ base }: Pick<SourceColumn, 'base'>, types: ParquetTypes): Mapping {
  const list = base.endsWith('[]');
  const kind = kindOf(list ? base.slice(0, -2) : base, types);
  if (kind) return { kind, list, sentAsText: false };
  return { kind: kinds.text, list: false, sentAsText: true };
}

function kindOf(type: string, types: ParquetTypes): Kind | undefined {
  const exact = /^numeric\((\d+),(-?\d+)\)$/.exec(type);
  if (!exact) return (types === 'portable' ? portable : known).get(type.replace(/\(\d+\)/, ''));
  const [digits, scale] = [Number(exact[1]), Number(exact[2])];
  // PostgreSQL knows scales below zero and beyond the digits; Parquet does not.
  return digits <= mostDigits && scale >= 0 && scale <= digits ? decimal(digits, scale) : undefined;
}

export const columnsOf = (columns: readonly SourceColumn[], types: ParquetTypes): FileColumn[] =>
  columns.map((column) => ({ name: column.name, ...mappingOf(column, types) }));

export const fileTypeOf = ({ kind, list }: Mapping): string =>
  list ? `LIST<${kind.name}>` : kind.name;
