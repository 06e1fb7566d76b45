import pg from 'pg';
import { z } from 'zod';
import { withoutTrailing } from '../../lib/contracts/trailing.ts';
import { type Form, forms, listForm } from './parquet-forms.ts';

/**
 * What docs/formats.md and docs/contracts.md promise of a value, given what PostgreSQL writes for it. Made of the
 * documents, not of the code.
 */
export interface Behaviour {
  json: (text: string) => Json;
  jsonType: string;
  xlsx: (text: string) => Cell;
  xlsxType: string;
  /** In CSV for spreadsheets it stands behind a `'` where it would be a formula. */
  guarded: boolean;
  /** For people it is what the clocks of their zone show. */
  zoned: boolean;
  parquet: { duck: string; type: string; form: Form };
}

/** A number has its digits, which a double may not hold. */
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

/** JSON with the digits of its numbers as they stand there. */
export const parseJson = (text: string): Json => jsonSchema.parse(JSON.parse(text, withDigits));

const same = (text: string): string => text;

/** Behind its own output function there is nothing to know of a type: it is text everywhere. */
export const text: Behaviour = {
  json: same,
  jsonType: 'string',
  xlsx: same,
  xlsxType: 'text',
  guarded: true,
  zoned: false,
  parquet: { duck: 'VARCHAR', type: 'STRING', form: forms.written },
};
/** The same, and no program takes it for a formula. */
export const unguarded: Behaviour = { ...text, guarded: false };

const finite = /^-?\d/;
const leastNormal = 2.225_073_858_507_201_4e-308;
const isNormal = (value: number): boolean =>
  value === 0 || (Math.abs(value) >= leastNormal && Math.abs(value) <= Number.MAX_VALUE);
const isShort = (digits: string): boolean =>
  withoutTrailing(digits.replaceAll(/[-.]/g, '').replace(/^0+/, ''), '0').length <= 15;

const numberIf =
  (fits: (digits: string) => boolean) =>
  (digits: string): Cell =>
    finite.test(digits) && fits(digits) && isNormal(Number(digits)) ? Number(digits) : digits;

export const integer = (duck: string, type: string): Behaviour => ({
  ...unguarded,
  json: (digits) => ({ number: digits }),
  jsonType: 'number',
  xlsx: Number,
  xlsxType: 'number',
  parquet: { duck, type, form: forms.plain },
});
export const floating = (type: 'FLOAT' | 'DOUBLE'): Behaviour => ({
  ...unguarded,
  json: (digits) => (finite.test(digits) ? { number: digits } : digits),
  jsonType: 'number',
  xlsx: numberIf(() => true),
  xlsxType: 'number',
  parquet: { duck: type, type, form: forms.floating },
});
export const bigint: Behaviour = {
  ...unguarded,
  xlsx: numberIf(isShort),
  xlsxType: 'number',
  parquet: { duck: 'BIGINT', type: 'INT64', form: forms.plain },
};
export const numeric: Behaviour = { ...bigint, parquet: text.parquet };
export const decimal = (digits: number, scale: number): Behaviour => {
  const type = `DECIMAL(${digits},${scale})`;
  return { ...bigint, parquet: { duck: type, type, form: forms.exact } };
};

export const boolean: Behaviour = {
  ...unguarded,
  json: (letter) => letter === 't',
  jsonType: 'boolean',
  xlsx: (letter) => letter === 't',
  xlsxType: 'boolean',
  parquet: { duck: 'BOOLEAN', type: 'BOOLEAN', form: forms.plain },
};

/** From 1900-03-01 to 9999-12-31 23:59:59.999; before and behind a spreadsheet has no day that is one in every program. */
const dateIf = (moment: string): Cell =>
  /^\d{4}-\d\d-\d\d( [\d:.]+)?$/.test(moment) &&
  moment >= '1900-03-01' &&
  moment <= '9999-12-31 23:59:59.999'
    ? new Date(moment.length === 10 ? moment : `${moment.replace(' ', 'T')}Z`)
    : moment;
const iso = (moment: string): string =>
  moment.replace(/(\d) (\d)/, '$1T$2').replace(/\+00\b/, '+00:00');

export const date: Behaviour = {
  ...unguarded,
  xlsx: dateIf,
  xlsxType: 'date',
  parquet: { duck: 'DATE', type: 'DATE', form: forms.day },
};
export const timestamp: Behaviour = {
  ...date,
  json: iso,
  xlsxType: 'dateTime',
  parquet: { duck: 'TIMESTAMP', type: 'TIMESTAMP(µs, local)', form: forms.moment },
};
export const timestamptz: Behaviour = {
  ...timestamp,
  zoned: true,
  parquet: { duck: 'TIMESTAMP WITH TIME ZONE', type: 'TIMESTAMP(µs, UTC)', form: forms.moment },
};
export const time: Behaviour = {
  ...unguarded,
  parquet: { duck: 'TIME', type: 'TIME(µs, local)', form: forms.hour },
};
export const uuid: Behaviour = {
  ...unguarded,
  parquet: { duck: 'UUID', type: 'UUID', form: forms.plain },
};
export const bytea: Behaviour = {
  ...unguarded,
  json: (hex) => Buffer.from(hex.slice(2), 'hex').toString('base64'),
  parquet: { duck: 'BLOB', type: 'BYTE_ARRAY', form: forms.hex },
};
export const json: Behaviour = {
  ...text,
  json: parseJson,
  jsonType: 'any',
  parquet: { duck: 'JSON', type: 'JSON', form: forms.plain },
};
/** What row_to_json has in a form of its own is written down beside each value. */
export const nested = (jsonType: 'object' | 'any', said: Record<string, Json>): Behaviour => ({
  ...text,
  json: (value) => said[value] ?? `nobody said what ${value} is in JSON`,
  jsonType,
});

/** Of text[], as which any array can be read: its types tell of no arrays, but the driver takes them apart. */
const textArray: number = 1_009;
const parseArray = pg.types.getTypeParser(textArray);
type Elements = readonly (string | null | Elements)[];
const elementsSchema: z.ZodType<Elements> = z.lazy(() =>
  z.array(z.union([z.string(), z.null(), elementsSchema])),
);

/** An array in JSON; text elsewhere. */
export const arrayOf = (element: Behaviour): Behaviour => {
  const each = (elements: Elements): Json[] =>
    elements.map((it) =>
      it === null ? null : typeof it === 'string' ? element.json(it) : each(it),
    );
  const array = (value: string): Json => each(elementsSchema.parse(parseArray(value)));
  return { ...text, json: array, jsonType: 'array' };
};
/** Of the catalogue's own vectors, which are arrays to JSON. */
export const vectorOf = (element: Behaviour): Behaviour => ({
  ...text,
  json: (value) => (value === '' ? [] : value.split(' ').map(element.json)),
  jsonType: 'array',
});
/** And a list in Parquet. */
export const listOf = (element: Behaviour): Behaviour => ({
  ...arrayOf(element),
  parquet: {
    duck: `${element.parquet.duck}[]`,
    type: `LIST<${element.parquet.type}>`,
    form: listForm(element.parquet.form),
  },
});
