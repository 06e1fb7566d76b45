import { withoutTrailing } from '../../contracts/trim-trailing.ts';
import type { SourceColumn } from '../../sources/datasets.ts';
import { toDateSerial } from './date-serial.ts';
import { styles } from './styles.ts';
import { inlineString } from './xml-text.ts';

/** How the text of a value becomes a cell. */
export type CellForm = 'integer' | 'exact' | 'double' | 'boolean' | 'date' | 'dateTime' | 'text';

/** The kind of the cells of a column. A value that its kind cannot hold exactly is a text cell. */
type CellKind = 'number' | 'boolean' | 'date' | 'dateTime' | 'text';

/** Returns the XML of a value after `<c r="A1"` (ECMA-376 part 1, 18.3.1.4). */
type CellWriter = (value: string) => string;

interface CellType {
  kind: CellKind;
  form: CellForm;
  write: CellWriter;
  /** Width of the column in characters, so that a typical value is fully visible. */
  width: number;
}

/** A text that a spreadsheet would read as a formula or a number if a user edited its cell: it keeps a quote prefix. */
const needsQuotePrefix = /^[-=+@]/;

/** The fixed parts of cells: what precedes values, and what follows them. */
export const cellMarkup = {
  number: '><v>',
  date: ` s="${styles.date}"><v>`,
  dateTime: ` s="${styles.dateTime}"><v>`,
  dateTimeFraction: ` s="${styles.dateTimeFraction}"><v>`,
  boolean: ' t="b"><v>',
  endOfValue: '</v></c>',
  text: ' t="inlineStr">',
  quotedText: ` s="${styles.quoted}" t="inlineStr">`,
  endOfText: '</c>',
} as const;

const textCell: CellWriter = (text) =>
  `${needsQuotePrefix.test(text) ? cellMarkup.quotedText : cellMarkup.text}${inlineString(text)}${cellMarkup.endOfText}`;

const quotedCell: CellWriter = (text) =>
  `${cellMarkup.quotedText}${inlineString(text)}${cellMarkup.endOfText}`;

const numberCell: CellWriter = (text) => `${cellMarkup.number}${text}${cellMarkup.endOfValue}`;

const isNumber = /^-?\d/;
/** Below this value a double has fewer digits, and spreadsheets read it as 0. */
const smallestNormal = 2.225_073_858_507_201_4e-308;

const isNormal = (text: string): boolean => {
  const value = Math.abs(Number(text));
  return value === 0 || (value >= smallestNormal && value <= Number.MAX_VALUE);
};

const doubleCell: CellWriter = (text) =>
  isNumber.test(text) && (text.length < 6 || isNormal(text)) ? numberCell(text) : textCell(text);

/** A double preserves every decimal number of 15 significant digits (DBL_DIG), and so does Excel. */
const exactCell: CellWriter = (text) =>
  isNumber.test(text) && (text.length <= 15 || isExact(text)) ? numberCell(text) : quotedCell(text);

function isExact(text: string): boolean {
  const digits = text.replaceAll(/[-.]/g, '').replace(/^0+/, '');
  return withoutTrailing(digits, '0').length <= 15 && isNormal(text);
}

const dateCell: CellWriter = (text) => {
  const serial = toDateSerial(text);
  return serial === undefined
    ? textCell(text)
    : `${cellMarkup.date}${serial}${cellMarkup.endOfValue}`;
};

const dateTimeCell: CellWriter = (text) => {
  const serial = toDateSerial(text);
  if (serial === undefined) return textCell(text);
  const start = text.length > 19 ? cellMarkup.dateTimeFraction : cellMarkup.dateTime;
  return `${start}${serial}${cellMarkup.endOfValue}`;
};

const booleanCell: CellWriter = (text) =>
  `${cellMarkup.boolean}${text === 't' ? 1 : 0}${cellMarkup.endOfValue}`;

const cellTypes: readonly [RegExp, CellType][] = [
  [/^(smallint|integer)$/, { kind: 'number', form: 'integer', write: numberCell, width: 11 }],
  [/^(bigint|numeric)(\(.*\))?$/, { kind: 'number', form: 'exact', write: exactCell, width: 16 }],
  [/^(real|double precision)$/, { kind: 'number', form: 'double', write: doubleCell, width: 16 }],
  [/^boolean$/, { kind: 'boolean', form: 'boolean', write: booleanCell, width: 9 }],
  [/^date$/, { kind: 'date', form: 'date', write: dateCell, width: 11 }],
  [
    /^timestamp(\(\d\))? with(out)? time zone$/,
    { kind: 'dateTime', form: 'dateTime', write: dateTimeCell, width: 23 },
  ],
];

const text: CellType = { kind: 'text', form: 'text', write: textCell, width: 20 };

/** Returns the cell type of a column by its type as PostgreSQL writes it: `numeric(12,2)`. */
export const cellTypeOf = ({ base }: Pick<SourceColumn, 'base'>): CellType =>
  cellTypes.find(([pattern]) => pattern.test(base))?.[1] ?? text;
