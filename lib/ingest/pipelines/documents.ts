import type { JSONObject, JSONValue } from '@jmespath-community/jmespath';
import { sizeText } from '../../contracts/sizes.ts';
import { errorMessage } from '../../runtime/errors.ts';
import { isDeeper } from '../../runtime/json-input.ts';
import { type CsvRow, parseCsvRows } from './csv.ts';
import type { CsvSettings, PipelineDefinition } from './definition.ts';
import { limits } from './limits.ts';

/** A JSON value of a record, with the number of its line, from 1; a JSON record has no lines. */
export interface Document {
  line?: number;
  value: JSONValue;
}

/**
 * Returns the documents of a record: one of `json`, one for each line of `ndjson`, one for each row of `csv`, an object
 * of texts by column. Throws an error that says what is wrong.
 */
export function documentsOf(
  { format, csv }: Pick<PipelineDefinition, 'format' | 'csv'>,
  message: string,
): Document[] {
  // Editors on Windows begin a file with a byte order mark.
  const text = message.startsWith('\uFEFF') ? message.slice(1) : message;
  switch (format) {
    case 'json':
      return [{ value: parseJson(text) }];
    case 'ndjson':
      return linesOf(text).map(({ line, text: json }) => ({ line, value: atLine(line, json) }));
    case 'csv':
      return csvDocuments(parseCsvRows(text, csv?.delimiter ?? ','), csv);
  }
}

function linesOf(text: string): { line: number; text: string }[] {
  const lines = text
    .split('\n')
    .map((each, index) => ({ line: index + 1, text: each }))
    .filter((each) => each.text.trim() !== '');
  checkCount(lines.length, 'lines');
  return lines;
}

function atLine(line: number, text: string): JSONValue {
  try {
    return parseJson(text);
  } catch (error) {
    throw new Error(`line ${line}: ${errorMessage(error)}`, { cause: error });
  }
}

/** A number with fewer digits is exact in a double. */
const longNumber = /\d{16}/;

/**
 * Parses JSON. An integer that a double cannot represent becomes the text of its digits: nanoseconds since 1970 have 19.
 * Throws an error if the text is not JSON, or is nested too deeply.
 */
function parseJson(text: string): JSONValue {
  if (isDeeper(text, limits.depth))
    throw new Error(`has more than ${limits.depth} levels of nested arrays and objects`);
  try {
    const value: JSONValue = longNumber.test(text) ? JSON.parse(text, exact) : JSON.parse(text);
    return value;
  } catch (error) {
    throw new Error(`is not JSON: ${errorMessage(error)}`, { cause: error });
  }
}

/** https://github.com/tc39/proposal-json-parse-with-source, which the types do not have yet. */
function exact(_name: string, value: unknown, ...rest: unknown[]): unknown {
  if (typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value))
    return value;
  const [context] = rest;
  if (typeof context !== 'object' || context === null || !('source' in context)) return value;
  const { source } = context;
  return typeof source === 'string' && /^-?\d+$/.test(source) ? source : value;
}

function csvDocuments(rows: CsvRow[], csv: CsvSettings | undefined): Document[] {
  const header = csv?.columns === undefined ? rows.shift() : undefined;
  if (csv?.columns === undefined && header === undefined) throw new Error('has no header line');
  checkCount(rows.length, 'rows');
  const columns = csv?.columns ?? header?.fields ?? [];
  const repeated = columns.find((column, index) => columns.indexOf(column) !== index);
  if (repeated !== undefined)
    throw new Error(`line ${header?.line ?? 1}: the header names ${repeated} twice`);
  return rows.map(({ line, fields }) => {
    if (fields.length !== columns.length)
      throw new Error(
        `line ${line}: has ${fields.length} fields, but there are ${columns.length} columns`,
      );
    // A column may be named __proto__.
    const value: JSONObject = Object.fromEntries(
      columns.map((column, index) => [column, fields[index] ?? '']),
    );
    return { line, value };
  });
}

function checkCount(count: number, what: string): void {
  if (count > limits.readings)
    throw new Error(`has ${sizeText(count)} ${what}; the limit is ${sizeText(limits.readings)}`);
}
