import { withoutTrailing } from '../../contracts/trailing.ts';
import type { SourceColumn } from '../../sources/datasets.ts';
import { serialOf } from './serial.ts';
import { styles } from './styles.ts';
import { inlineString } from './text.ts';

/** What a column becomes. A value that its kind cannot hold exactly is text. */
type CellKind = 'number' | 'boolean' | 'date' | 'dateTime' | 'text';

/** What stands behind `<c r="A1"` for a value (ECMA-376 part 1, 18.3.1.4). */
type CellWriter = (value: string) => string;

interface Kind {
  kind: CellKind;
  write: CellWriter;
  /** In characters, so that a usual value is seen whole. */
  width: number;
}

/** A string that a spreadsheet would read otherwise if it were typed in again keeps its quote. */
const wouldBeRead = /^[-=+@]/;

const textCell: CellWriter = (text) =>
  `${wouldBeRead.test(text) ? ` s="${styles.quoted}"` : ''} t="inlineStr">${inlineString(text)}</c>`;

const quotedCell: CellWriter = (text) =>
  ` s="${styles.quoted}" t="inlineStr">${inlineString(text)}</c>`;

const numberCell: CellWriter = (text) => `><v>${text}</v></c>`;

const isNumber = /^-?\d/;
/** Below this a double has fewer digits, and spreadsheets take it for 0. */
const leastNormal = 2.225_073_858_507_201_4e-308;

const isNormal = (text: string): boolean => {
  const value = Math.abs(Number(text));
  return value === 0 || (value >= leastNormal && value <= Number.MAX_VALUE);
};

const doubleCell: CellWriter = (text) =>
  isNumber.test(text) && (text.length < 6 || isNormal(text)) ? numberCell(text) : textCell(text);

/** A double gives back every decimal number of 15 significant digits (DBL_DIG), and so does Excel. */
const exactCell: CellWriter = (text) =>
  isNumber.test(text) && (text.length <= 15 || isExact(text)) ? numberCell(text) : quotedCell(text);

function isExact(text: string): boolean {
  const digits = text.replaceAll(/[-.]/g, '').replace(/^0+/, '');
  return withoutTrailing(digits, '0').length <= 15 && isNormal(text);
}

const dateCell: CellWriter = (text) => {
  const serial = serialOf(text);
  return serial === undefined ? textCell(text) : ` s="${styles.date}"><v>${serial}</v></c>`;
};

const dateTimeCell: CellWriter = (text) => {
  const serial = serialOf(text);
  if (serial === undefined) return textCell(text);
  const style = text.length > 19 ? styles.dateTimeFraction : styles.dateTime;
  return ` s="${style}"><v>${serial}</v></c>`;
};

const booleanCell: CellWriter = (text) => ` t="b"><v>${text === 't' ? 1 : 0}</v></c>`;

const kinds: readonly [RegExp, Kind][] = [
  [/^(smallint|integer)$/, { kind: 'number', write: numberCell, width: 11 }],
  [/^(bigint|numeric)(\(.*\))?$/, { kind: 'number', write: exactCell, width: 16 }],
  [/^(real|double precision)$/, { kind: 'number', write: doubleCell, width: 16 }],
  [/^boolean$/, { kind: 'boolean', write: booleanCell, width: 9 }],
  [/^date$/, { kind: 'date', write: dateCell, width: 11 }],
  [
    /^timestamp(\(\d\))? with(out)? time zone$/,
    { kind: 'dateTime', write: dateTimeCell, width: 23 },
  ],
];

const text: Kind = { kind: 'text', write: textCell, width: 20 };

/** By the type as PostgreSQL writes it: `numeric(12,2)`. */
export const kindOf = ({ base }: Pick<SourceColumn, 'base'>): Kind =>
  kinds.find(([pattern]) => pattern.test(base))?.[1] ?? text;
