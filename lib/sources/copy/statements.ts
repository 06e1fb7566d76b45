import type { CsvOptions } from '../contracts/format-capabilities.ts';
import type { SourceColumn } from './datasets.ts';
import { formulaBegins, wideFormulaBegins } from './formulas.ts';
import { type Selection, selectRows } from './query.ts';
import { columnOf, identifier, literal, operator } from './sql-text.ts';

/** Server-made CSV of the rows, without header, with a line feed behind each row whatever `newline` says. */
export const copyCsv = (selection: Selection, options: CsvOptions): string =>
  `copy (${selectRows(selection, (column) => withDecimal(column, options))}) to stdout (${copyOptions(options)})`;

function copyOptions({ delimiter, nullText, quote }: CsvOptions, texts = ''): string {
  const quoted = quote === 'all' ? '*' : texts;
  return [
    'format csv',
    ...(delimiter === ',' ? [] : [`delimiter ${literal(delimiter)}`]),
    ...(nullText === '' ? [] : [`null ${literal(nullText)}`]),
    ...(quoted === '' ? [] : [`force_quote ${quoted}`]),
  ].join(', ');
}

/** Never in a text: an array or a composite value of numbers is one. `money` is written as its locale has it. */
function withDecimal({ name, base }: SourceColumn, { decimal }: CsvOptions): string {
  const column = columnOf({ name });
  return decimal === '.' || !/^(numeric(\(.*\))?|real|double precision)$/.test(base)
    ? column
    : `pg_catalog.replace(${column}::pg_catalog.text, '.', ${literal(decimal)}) as ${identifier(name)}`;
}

/**
 * The same for people who open it in a spreadsheet: local times, and no text that would be a formula. Text is
 * between quotes whatever is in it: a spreadsheet may take `;` and tabs for the ends of fields as well.
 */
export function copyCsvForSpreadsheets(
  selection: Selection,
  times: LocalTimes,
  options: CsvOptions,
): string {
  const begins = [...formulaBegins, ...(selection.dataset.singleByte ? [] : wideFormulaBegins)];
  const first = begins.map(literal).join(', ');
  const rows = selectRows(
    selection,
    (column) => notFormula(column, first) ?? inZone(column, times) ?? withDecimal(column, options),
  );
  const texts = selection.columns.filter(
    (column) => column.constant === undefined && !neverText.test(column.base),
  );
  const quoted = texts.map(({ name }) => identifier(name)).join(', ');
  return `copy (${rows}) to stdout (${copyOptions(options, quoted && `(${quoted})`)})`;
}

/** Server-made text of the rows, tabs between values, with the times of a zone. */
export const copyText = (selection: Selection, times: LocalTimes): string =>
  `copy (${selectRows(selection, (column) => inZone(column, times) ?? columnOf(column))}) to stdout`;

/** How instants are written for people: as the clocks of a zone show them, with or without how far those are from UTC. */
export interface LocalTimes {
  timeZone: string;
  withOffset: boolean;
}

export const isInstant = ({ base }: Pick<SourceColumn, 'base'>): boolean =>
  /^timestamp(\(\d\))? with time zone$/.test(base);

/** AT TIME ZONE takes these for abbreviations, which have no summer; by IANA they are links to these. */
const places = new Map([
  ['CET', 'Europe/Brussels'],
  ['MET', 'Europe/Brussels'],
  ['EET', 'Europe/Athens'],
  ['WET', 'Europe/Lisbon'],
]);

/** The name by which the database is asked for a zone. */
export const placeOf = (timeZone: string): string => places.get(timeZone.toUpperCase()) ?? timeZone;

/**
 * An instant as the clocks of the zone show it; infinite, or within a day of the ends of PostgreSQL's time,
 * as it is: AT TIME ZONE would fail beyond them.
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
 * How far a local time is from UTC, as in RFC 3339: `+02:00`, before what is to stay behind it. Before clocks agreed it
 * has seconds, too.
 */
function offsetOf(instant: string, local: string): string {
  const offset = `(${local} ${operator('-')} (${instant} at time zone 'UTC'))`;
  const isWest = `${offset} ${operator('<')} '0'::pg_catalog.interval`;
  const size = `case when ${isWest} then ${operator('-')} ${offset} else ${offset} end`;
  return `pg_catalog.concat(case when ${isWest} then '-' else '+' end,
      pg_catalog.regexp_replace((${size})::pg_catalog.text, ':00$', ''), ${literal('\\1')})`;
}

/** What is a value to a spreadsheet whatever its first character, or never begins with one of those. */
const neverText =
  /^(smallint|integer|bigint|numeric|real|double precision|money|oid|boolean|date|time|timestamp|uuid|bytea)(\(.*\))?( with(out)? time zone)?$/;

/**
 * A text that would be a formula behind the quote that makes it text. `concat` writes any type as COPY
 * does, blanks at the end and all; `is not distinct` asks nothing of the fields of a composite value.
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
function notFormula({ name, base }: SourceColumn, first: string): string | undefined {
  if (neverText.test(base)) return undefined;
  const column = columnOf({ name });
  const simple = /^(text|character varying(\(\d+\))?)$/.test(base);
  const text = simple ? column : `pg_catalog.concat(${column})`;
  const none = simple ? '' : `when ${column} is not distinct from null then null `;
  return `case ${none}when pg_catalog.left(${text}, 1) in (${first}) then pg_catalog.concat('''', ${text}) else ${text} end as ${identifier(name)}`;
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
    const name = columnOf(column);
    // `is null` would take a row of NULLs for NULL.
    return sentAsText(column)
      ? `case when pg_catalog.num_nulls(${name}) ${operator('=')} 0 then pg_catalog.format('%s', ${name}) end`
      : name;
  };
  return `copy (${selectRows(selection, value)}) to stdout (format binary)`;
}

/**
 * Server-made text of the rows for JSON. Of the columns that are to come as JSON it has what row_to_json makes
 * of them; of all others the text of their type, bytes in base64.
 */
export const copyJson = (
  selection: Selection,
  isMade: (column: SourceColumn) => boolean,
): string => {
  const value = (column: SourceColumn): string => {
    const name = columnOf(column);
    if (isMade(column)) return jsonValue(name, column.base);
    return column.base === 'bytea' ? base64(name) : name;
  };
  return `copy (${selectRows(selection, value)}) to stdout`;
};

/**
 * Integers of 64 bits and exact numbers are strings, whatever their value: a double does not hold them, and a
 * type must not change from row to row. Bytes are base64. So are those of arrays, of any dimensions; what is
 * in a composite value stays as row_to_json has it.
 */
function jsonValue(column: string, base: string): string {
  const exact = /^(?:bigint|numeric)(?:\(.*\))?((?:\[\])+)$/.exec(base);
  if (exact) return exactInJson(column, exact[1] ?? '');
  return /^bytea(\[\])+$/.test(base) ? bytesInJson(column) : `pg_catalog.to_json(${column})`;
}

/** The elements of an array of domains over arrays are arrays, for which a cast would give text. */
const exactInJson = (column: string, brackets: string): string =>
  brackets.length > 2
    ? `pg_catalog.regexp_replace(pg_catalog.to_json(${column})::pg_catalog.text, '-?[0-9][0-9.]*', ${literal('"\\&"')}, 'g')::pg_catalog.json`
    : `pg_catalog.to_json(${column}::pg_catalog.text${brackets})`;

const base64 = (bytes: string): string =>
  `pg_catalog.translate(pg_catalog.encode(${bytes}, 'base64'), E'\\n', '')`;

/** As JSON the array is brackets and commas, and between quotes `\\x` and the bytes in hexadecimal. */
const bytesInJson = (column: string): string => {
  const bytes = base64(`pg_catalog.decode(pg_catalog.substr(part, 4), 'hex')`);
  const quoted = `pg_catalog.concat('"', ${bytes}, '"')`;
  const isText = `n ${operator('%')} 2::pg_catalog.int8 ${operator('=')} 0::pg_catalog.int8`;
  return `(select pg_catalog.string_agg(case when ${isText} then ${quoted} else part end, '' order by n)::pg_catalog.json
    from pg_catalog.unnest(pg_catalog.string_to_array(pg_catalog.to_json(${column})::pg_catalog.text, '"'))
      with ordinality parts(part, n))`;
};
