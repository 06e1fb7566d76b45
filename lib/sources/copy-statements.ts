import type { SourceColumn } from './datasets.ts';
import { identifier, literal, type Selection, selectRows } from './query.ts';

/** Server-made CSV of the rows, without header: RFC 4180, NULL as nothing, the empty string as "". */
export const copyCsv = (selection: Selection): string =>
  `copy (${selectRows(selection)}) to stdout (format csv)`;

/** The same for people who open it in a spreadsheet: local times, and no text that would be a formula. */
export const copyCsvForSpreadsheets = (selection: Selection, timeZone: string): string =>
  `copy (${selectRows(selection, (column) => notFormula(column) ?? inZone(column, timeZone))}) to stdout (format csv)`;

/** Server-made text of the rows, tabs between values, with the times of a zone. */
export const copyText = (selection: Selection, timeZone: string): string =>
  `copy (${selectRows(selection, (column) => inZone(column, timeZone))}) to stdout`;

/** AT TIME ZONE takes these for abbreviations, which have no summer; by IANA they are links to these. */
const places: Record<string, string> = {
  CET: 'Europe/Brussels',
  MET: 'Europe/Brussels',
  EET: 'Europe/Athens',
  WET: 'Europe/Lisbon',
};

/**
 * An instant as the clocks of the zone show it; infinite, or within a day of the ends of PostgreSQL's time,
 * as it is: AT TIME ZONE would fail beyond them.
 */
function inZone({ name, base }: SourceColumn, timeZone: string): string {
  const column = identifier(name);
  if (!/^timestamp(\(\d\))? with time zone$/.test(base)) return column;
  const zone = places[timeZone.toUpperCase()] ?? timeZone;
  return `case when ${column} between '4714-11-25 00:00+00 BC' and '294276-12-31 00:00+00'
    then (${column} at time zone ${literal(zone)})::text else ${column}::text end as ${column}`;
}

/** What is a value to a spreadsheet whatever its first character, or never begins with one of those. */
const neverText =
  /^(smallint|integer|bigint|numeric|real|double precision|money|oid|boolean|date|time|timestamp|uuid|bytea)(\(.*\))?( with(out)? time zone)?$/;

/**
 * A text that would be a formula behind the quote that makes it text. `concat` writes any type as COPY
 * does, blanks at the end and all; `is not distinct` asks nothing of the fields of a composite value.
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
function notFormula({ name, base }: SourceColumn): string | undefined {
  if (neverText.test(base)) return undefined;
  const column = identifier(name);
  const simple = /^(text|character varying(\(\d+\))?)$/.test(base);
  const text = simple ? column : `concat(${column})`;
  const none = simple ? '' : `when ${column} is not distinct from null then null `;
  return `case ${none}when left(${text}, 1) in ('=', '+', '-', '@', E'\\t', E'\\r') then concat('''', ${text}) else ${text} end as ${column}`;
}

/**
 * The rows in COPY's binary format. Of the columns that are sent as text it has what their type writes:
 * `format` calls its output function, where a cast calls whatever cast there is (inet gets a mask).
 */
export function copyBinary(
  selection: Selection,
  sentAsText: (column: SourceColumn) => boolean,
): string {
  const value = (column: SourceColumn): string => {
    const name = identifier(column.name);
    // `is null` would take a row of NULLs for NULL.
    return sentAsText(column)
      ? `case when pg_catalog.num_nulls(${name}) = 0 then pg_catalog.format('%s', ${name}) end`
      : name;
  };
  return `copy (${selectRows(selection, value)}) to stdout (format binary)`;
}

/**
 * A column for JSON. Integers of 64 bits and exact numbers are strings, whatever their value: a double
 * does not hold them, and a type must not change from row to row. Bytes are base64. So are those of
 * arrays, of any dimensions; what is in a composite value stays as row_to_json has it.
 */
function jsonValue({ name, base }: SourceColumn): string {
  const column = identifier(name);
  const exact = /^(?:bigint|numeric)(?:\(.*\))?((?:\[\])*)$/.exec(base);
  if (exact) return `${exactInJson(column, exact[1] ?? '')} as ${column}`;
  if (base === 'bytea') return `${base64(column)} as ${column}`;
  return /^bytea(\[\])+$/.test(base) ? `${bytesInJson(column)} as ${column}` : column;
}

/** The elements of an array of domains over arrays are arrays, for which a cast would give text. */
const exactInJson = (column: string, brackets: string): string =>
  brackets.length > 2
    ? `regexp_replace(to_json(${column})::text, '-?[0-9][0-9.]*', ${literal('"\\&"')}, 'g')::json`
    : `${column}::text${brackets}`;

const base64 = (bytes: string): string => `translate(encode(${bytes}, 'base64'), E'\\n', '')`;

/** As JSON the array is brackets and commas, and between quotes `\\x` and the bytes in hexadecimal. */
const bytesInJson = (column: string): string =>
  `(select string_agg(case when n % 2 = 0 then '"' || ${base64(`decode(substr(part, 4), 'hex')`)} || '"' else part end, '' order by n)::json
    from unnest(string_to_array(to_json(${column})::text, '"')) with ordinality parts(part, n))`;

/** What never has a line feed in its JSON: all else may carry JSON text as somebody wrote it, whitespace and all. */
const plainInJson =
  /^(smallint|integer|bigint|numeric|real|double precision|money|boolean|text|character|character varying|uuid|date|time|timestamp|interval|bytea|jsonb|inet|cidr|macaddr)(\(\d+(,-?\d+)?\))?( with(out)? time zone)?(\[\])*$/;

/**
 * Server-made JSON, an object a row, in one line each. As the one field of the binary format it comes as it
 * is, where the others would look through it for what to quote.
 */
export function copyJson(selection: Selection): string {
  // `r.*` is the row whatever its columns are called; `r` would be a column of that name.
  const row = 'row_to_json(r.*)';
  const oneLine = selection.columns.every(({ base }) => plainInJson.test(base))
    ? row
    : `translate(${row}::text, E'\\n\\r', '  ')`;
  return `copy (select ${oneLine} from (${selectRows(selection, jsonValue)}) r) to stdout (format binary)`;
}
