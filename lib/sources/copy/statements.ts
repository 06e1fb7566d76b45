import type { CsvOptions } from '../../contracts/format-capabilities.ts';
import { formulaBegins, wideFormulaBegins } from '../csv-injection.ts';
import type { SourceColumn } from '../datasets.ts';
import { type Selection, selectRows } from '../query.ts';
import { columnOf, identifier, literal, operator } from '../sql-text.ts';

/** Returns a COPY of the rows as CSV, without a header, with a line feed after each row whatever `newline` is. */
export const copyCsv = (selection: Selection, options: CsvOptions): string =>
  `copy (${selectRows(selection, (column) => withDecimal(column, options))}) to stdout (${copyOptions(options)})`;

function copyOptions({ delimiter, nullText, quote }: CsvOptions, quotedColumns = ''): string {
  const forceQuote = quote === 'all' ? '*' : quotedColumns;
  return [
    'format csv',
    ...(delimiter === ',' ? [] : [`delimiter ${literal(delimiter)}`]),
    ...(nullText === '' ? [] : [`null ${literal(nullText)}`]),
    ...(forceQuote === '' ? [] : [`force_quote ${forceQuote}`]),
  ].join(', ');
}

/** Replaces the decimal point of numbers, but not in arrays and composite values, which are text. `money` keeps that of its locale. */
function withDecimal({ name, base }: SourceColumn, { decimal }: CsvOptions): string {
  const column = columnOf({ name });
  return decimal === '.' || !/^(numeric(\(.*\))?|real|double precision)$/.test(base)
    ? column
    : `pg_catalog.replace(${column}::pg_catalog.text, '.', ${literal(decimal)}) as ${identifier(name)}`;
}

/**
 * Returns a COPY of the rows as CSV for spreadsheets: with local times, and without text that would be a formula.
 * Every text is quoted, because a spreadsheet may take `;` and tabs for separators as well.
 */
export function copyCsvForSpreadsheets(
  selection: Selection,
  times: LocalTimes,
  options: CsvOptions,
): string {
  const prefixes = [...formulaBegins, ...(selection.dataset.singleByte ? [] : wideFormulaBegins)];
  const formulaPrefixes = prefixes.map(literal).join(', ');
  const rows = selectRows(
    selection,
    (column) =>
      escapeFormula(column, formulaPrefixes) ??
      inZone(column, times) ??
      withDecimal(column, options),
  );
  const texts = selection.columns.filter(
    (column) => column.constant === undefined && !neverText.test(column.base),
  );
  const quotedColumns = texts.map(({ name }) => identifier(name)).join(', ');
  return `copy (${rows}) to stdout (${copyOptions(options, quotedColumns && `(${quotedColumns})`)})`;
}

/** Returns a COPY of the rows in text format, with local times. */
export const copyText = (selection: Selection, times: LocalTimes): string =>
  `copy (${selectRows(selection, (column) => inZone(column, times) ?? columnOf(column))}) to stdout`;

/** How instants are written for people: in local time of a zone, with or without its offset from UTC. */
export interface LocalTimes {
  timeZone: string;
  withOffset: boolean;
}

export const isInstant = ({ base }: Pick<SourceColumn, 'base'>): boolean =>
  /^timestamp(\(\d\))? with time zone$/.test(base);

/** AT TIME ZONE takes these names for abbreviations without summer time. IANA links them to these zones. */
const places = new Map([
  ['CET', 'Europe/Brussels'],
  ['MET', 'Europe/Brussels'],
  ['EET', 'Europe/Athens'],
  ['WET', 'Europe/Lisbon'],
]);

/** Returns the name of a zone for PostgreSQL. */
export const placeOf = (timeZone: string): string => places.get(timeZone.toUpperCase()) ?? timeZone;

/**
 * Writes an instant in local time of the zone. An infinite one, or one within a day of the ends of PostgreSQL's
 * range, stays in UTC, because AT TIME ZONE would fail beyond the range.
 */
function inZone(
  { name, base }: SourceColumn,
  { timeZone, withOffset }: LocalTimes,
): string | undefined {
  if (!isInstant({ base })) return undefined;
  const column = columnOf({ name });
  const local = `(${column} at time zone ${literal(placeOf(timeZone))})`;
  const text = `${local}::pg_catalog.text`;
  return `case when ${column} ${operator('>=')} '4714-11-25 00:00+00 BC'::pg_catalog.timestamptz
      and ${column} ${operator('<=')} '294276-12-31 00:00+00'::pg_catalog.timestamptz
    then ${withOffset ? `pg_catalog.regexp_replace(${text}, '( BC)?$', ${offsetOf(column, local)})` : text}
    else ${column}::pg_catalog.text end as ${identifier(name)}`;
}

/**
 * Returns the SQL of a local time's offset from UTC, as in RFC 3339: `+02:00`, followed by `\1` for ` BC`. Before time
 * zones were standardized, an offset has seconds, too.
 */
function offsetOf(instant: string, local: string): string {
  const offset = `(${local} ${operator('-')} (${instant} at time zone 'UTC'))`;
  const isWest = `${offset} ${operator('<')} '0'::pg_catalog.interval`;
  const size = `case when ${isWest} then ${operator('-')} ${offset} else ${offset} end`;
  return `pg_catalog.concat(case when ${isWest} then '-' else '+' end,
      pg_catalog.regexp_replace((${size})::pg_catalog.text, ':00$', ''), ${literal('\\1')})`;
}

/** Types whose values a spreadsheet never takes for formulas. */
const neverText =
  /^(smallint|integer|bigint|numeric|real|double precision|money|oid|boolean|date|time|timestamp|uuid|bytea)(\(.*\))?( with(out)? time zone)?$/;

/**
 * Puts a single quote, which makes it text, before a text that would be a formula. `concat` writes any type as COPY
 * does, trailing blanks included; `is not distinct` does not look at the fields of a composite value.
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
function escapeFormula({ name, base }: SourceColumn, formulaPrefixes: string): string | undefined {
  if (neverText.test(base)) return undefined;
  const column = columnOf({ name });
  const isText = /^(text|character varying(\(\d+\))?)$/.test(base);
  const text = isText ? column : `pg_catalog.concat(${column})`;
  const keepNull = isText ? '' : `when ${column} is not distinct from null then null `;
  return `case ${keepNull}when pg_catalog.left(${text}, 1) in (${formulaPrefixes}) then pg_catalog.concat('''', ${text}) else ${text} end as ${identifier(name)}`;
}

/**
 * Returns a COPY of the rows in binary format. Columns that are sent as text have the output of their type:
 * `format` calls its output function, while a cast may write something else (inet gets a mask).
 */
export function copyBinary(
  selection: Selection,
  sentAsText: (column: SourceColumn) => boolean,
): string {
  const value = (column: SourceColumn): string => {
    const name = columnOf(column);
    // `is null` would be true of a composite value whose fields are all NULL.
    return sentAsText(column)
      ? `case when pg_catalog.num_nulls(${name}) ${operator('=')} 0 then pg_catalog.format('%s', ${name}) end`
      : name;
  };
  return `copy (${selectRows(selection, value)}) to stdout (format binary)`;
}

/**
 * Returns a COPY of the rows in text format, for JSON. Columns that the server encodes are JSON as row_to_json writes
 * it; all others are the text of their type, bytes in base64.
 */
export function copyJson(
  selection: Selection,
  encodedByServer: (column: SourceColumn) => boolean,
): string {
  const value = (column: SourceColumn): string => {
    const name = columnOf(column);
    if (encodedByServer(column)) return jsonValue(name, column.base);
    return column.base === 'bytea' ? base64(name) : name;
  };
  return `copy (${selectRows(selection, value)}) to stdout`;
}

/**
 * Encodes a value as JSON. bigint and numeric are strings whatever their value, because a double cannot hold all of
 * them and a type must not change from row to row. bytea is base64. The same holds for the elements of their arrays;
 * the fields of a composite value stay as row_to_json writes them.
 */
function jsonValue(column: string, base: string): string {
  const exactArray = /^(?:bigint|numeric)(?:\(.*\))?((?:\[\])+)$/.exec(base);
  if (exactArray) return exactArrayInJson(column, exactArray[1] ?? '');
  return /^bytea(\[\])+$/.test(base) ? byteArrayInJson(column) : `pg_catalog.to_json(${column})`;
}

/** Quotes the numbers of an array in JSON. A cast would turn an array of domains over arrays into texts of arrays. */
const exactArrayInJson = (column: string, brackets: string): string =>
  brackets.length > 2
    ? `pg_catalog.regexp_replace(pg_catalog.to_json(${column})::pg_catalog.text, '-?[0-9][0-9.]*', ${literal('"\\&"')}, 'g')::pg_catalog.json`
    : `pg_catalog.to_json(${column}::pg_catalog.text${brackets})`;

const base64 = (bytes: string): string =>
  `pg_catalog.translate(pg_catalog.encode(${bytes}, 'base64'), E'\\n', '')`;

/** Replaces the texts of an array in JSON, which are `\\x` and hexadecimal digits, by base64. Every second split at `"` is one. */
function byteArrayInJson(column: string): string {
  const bytes = base64(`pg_catalog.decode(pg_catalog.substr(part, 4), 'hex')`);
  const quoted = `pg_catalog.concat('"', ${bytes}, '"')`;
  const isText = `n ${operator('%')} 2::pg_catalog.int8 ${operator('=')} 0::pg_catalog.int8`;
  return `(select pg_catalog.string_agg(case when ${isText} then ${quoted} else part end, '' order by n)::pg_catalog.json
    from pg_catalog.unnest(pg_catalog.string_to_array(pg_catalog.to_json(${column})::pg_catalog.text, '"'))
      with ordinality parts(part, n))`;
}
