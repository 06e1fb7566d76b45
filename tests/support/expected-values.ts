import pg from 'pg';
import { z } from 'zod';
import { withoutTrailing } from '../../lib/contracts/trim-trailing.ts';
import { type Form, forms, listForm } from './parquet-expected.ts';

/**
 * What docs/formats.md and docs/contracts.md promise for a value, given PostgreSQL's text of the value. Derived from
 * the documents, not from the code.
 */
export interface ExpectedColumn {
  json: (text: string) => Json;
  jsonType: string;
  xlsx: (text: string) => Cell;
  xlsxType: string;
  /** CSV for spreadsheets has a `'` before a value of this type that would be a formula. */
  isProtected: boolean;
  /** The profile for people has the local time in the export's time zone. */
  zoned: boolean;
  parquet: { duck: string; type: string; form: Form };
}

/** A JSON value. Numbers are digits, because a double may not hold all of them. */
export type Json =
  | string
  | boolean
  | null
  | { number: string }
  | readonly Json[]
  | { [key: string]: Json };
export type Cell = string | number | boolean | Date | null;

const jsonSchema: z.ZodType<Json> = z.lazy(() =>
  z.union([
    z.string(),
    z.boolean(),
    z.null(),
    z.array(jsonSchema),
    z.record(z.string(), jsonSchema),
  ]),
);

const withDigits = (_key: string, value: unknown, context?: { source: string }): unknown =>
  typeof value === 'number' ? { number: context?.source } : value;

/** Parses JSON and keeps the digits of its numbers. */
export const parseJson = (text: string): Json => jsonSchema.parse(JSON.parse(text, withDigits));

const same = (text: string): string => text;

/** For a type of which only the output function is known: text in every format. */
export const text: ExpectedColumn = {
  json: same,
  jsonType: 'string',
  xlsx: same,
  xlsxType: 'text',
  isProtected: true,
  zoned: false,
  parquet: { duck: 'VARCHAR', type: 'STRING', form: forms.written },
};
/** Text that no spreadsheet program reads as a formula. */
export const unprotected: ExpectedColumn = { ...text, isProtected: false };

const finite = /^-?\d/;
const smallestNormal = 2.225_073_858_507_201_4e-308;
const isNormal = (value: number): boolean =>
  value === 0 || (Math.abs(value) >= smallestNormal && Math.abs(value) <= Number.MAX_VALUE);
const isShort = (digits: string): boolean =>
  withoutTrailing(digits.replaceAll(/[-.]/g, '').replace(/^0+/, ''), '0').length <= 15;

const numberIf =
  (fits: (digits: string) => boolean) =>
  (digits: string): Cell =>
    finite.test(digits) && fits(digits) && isNormal(Number(digits)) ? Number(digits) : digits;

export const integer = (duck: string, type: string): ExpectedColumn => ({
  ...unprotected,
  json: (digits) => ({ number: digits }),
  jsonType: 'number',
  xlsx: Number,
  xlsxType: 'number',
  parquet: { duck, type, form: forms.plain },
});
export const floating = (type: 'FLOAT' | 'DOUBLE'): ExpectedColumn => ({
  ...unprotected,
  json: (digits) => (finite.test(digits) ? { number: digits } : digits),
  jsonType: 'number',
  xlsx: numberIf(() => true),
  xlsxType: 'number',
  parquet: { duck: type, type, form: forms.floating },
});
export const bigint: ExpectedColumn = {
  ...unprotected,
  xlsx: numberIf(isShort),
  xlsxType: 'number',
  parquet: { duck: 'BIGINT', type: 'INT64', form: forms.plain },
};
export const numeric: ExpectedColumn = { ...bigint, parquet: text.parquet };
export const decimal = (digits: number, scale: number): ExpectedColumn => {
  const type = `DECIMAL(${digits},${scale})`;
  return { ...bigint, parquet: { duck: type, type, form: forms.exact } };
};

export const boolean: ExpectedColumn = {
  ...unprotected,
  json: (letter) => letter === 't',
  jsonType: 'boolean',
  xlsx: (letter) => letter === 't',
  xlsxType: 'boolean',
  parquet: { duck: 'BOOLEAN', type: 'BOOLEAN', form: forms.plain },
};

/**
 * Returns a date from 1900-03-01 to 9999-12-31 23:59:59.999; spreadsheet programs disagree on earlier and later days,
 * which stay text.
 */
const dateIf = (written: string): Cell =>
  /^\d{4}-\d\d-\d\d( [\d:.]+)?$/.test(written) &&
  written >= '1900-03-01' &&
  written <= '9999-12-31 23:59:59.999'
    ? new Date(written.length === 10 ? written : `${written.replace(' ', 'T')}Z`)
    : written;
const iso = (written: string): string =>
  written.replace(/(\d) (\d)/, '$1T$2').replace(/\+00\b/, '+00:00');

export const date: ExpectedColumn = {
  ...unprotected,
  xlsx: dateIf,
  xlsxType: 'date',
  parquet: { duck: 'DATE', type: 'DATE', form: forms.date },
};
export const timestamp: ExpectedColumn = {
  ...date,
  json: iso,
  xlsxType: 'dateTime',
  parquet: { duck: 'TIMESTAMP', type: 'TIMESTAMP(µs, local)', form: forms.timestamp },
};
export const timestamptz: ExpectedColumn = {
  ...timestamp,
  zoned: true,
  parquet: { duck: 'TIMESTAMP WITH TIME ZONE', type: 'TIMESTAMP(µs, UTC)', form: forms.timestamp },
};
export const time: ExpectedColumn = {
  ...unprotected,
  parquet: { duck: 'TIME', type: 'TIME(µs, local)', form: forms.time },
};
export const uuid: ExpectedColumn = {
  ...unprotected,
  parquet: { duck: 'UUID', type: 'UUID', form: forms.plain },
};
export const bytea: ExpectedColumn = {
  ...unprotected,
  json: (hex) => Buffer.from(hex.slice(2), 'hex').toString('base64'),
  parquet: { duck: 'BLOB', type: 'BYTE_ARRAY', form: forms.hex },
};
export const json: ExpectedColumn = {
  ...text,
  json: parseJson,
  jsonType: 'any',
  parquet: { duck: 'JSON', type: 'JSON', form: forms.plain },
};
/** A composite value. Its JSON forms, which row_to_json determines, are listed with each value. */
export const nested = (
  jsonType: 'object' | 'any',
  jsonByText: Record<string, Json>,
): ExpectedColumn => ({
  ...text,
  json: (value) => jsonByText[value] ?? `the test lists no JSON form of ${value}`,
  jsonType,
});

/** The type of text[], as which any array can be read: the driver parses arrays only of types that it knows. */
const textArray: number = 1_009;
const parseArray = pg.types.getTypeParser(textArray);
type Elements = readonly (string | null | Elements)[];
const elementsSchema: z.ZodType<Elements> = z.lazy(() =>
  z.array(z.union([z.string(), z.null(), elementsSchema])),
);

/** An array in JSON, text in all other formats. */
export const arrayOf = (element: ExpectedColumn): ExpectedColumn => {
  const each = (elements: Elements): Json[] =>
    elements.map((it) =>
      it === null ? null : typeof it === 'string' ? element.json(it) : each(it),
    );
  const array = (value: string): Json => each(elementsSchema.parse(parseArray(value)));
  return { ...text, json: array, jsonType: 'array' };
};
/** A vector type of PostgreSQL's catalog, which JSON has as an array. */
export const vectorOf = (element: ExpectedColumn): ExpectedColumn => ({
  ...text,
  json: (value) => (value === '' ? [] : value.split(' ').map(element.json)),
  jsonType: 'array',
});
/** An array that is a list in Parquet as well. */
export const listOf = (element: ExpectedColumn): ExpectedColumn => ({
  ...arrayOf(element),
  parquet: {
    duck: `${element.parquet.duck}[]`,
    type: `LIST<${element.parquet.type}>`,
    form: listForm(element.parquet.form),
  },
});
