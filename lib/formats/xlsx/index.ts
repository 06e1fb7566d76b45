import { copyText, isInstant, type LocalTimes } from '../../sources/copy-statements.ts';
import type { SourceColumn } from '../../sources/datasets.ts';
import { type Format, nothing, type Shown } from '../format.ts';
import { kindOf } from './cells.ts';
import { fieldsOf } from './copy-text.ts';
import { requireCell, XlsxWriter } from './writer.ts';

/**
 * An Office Open XML workbook (ECMA-376). A zip cannot be put together out of pieces made side by side,
 * so the encoder makes all of it: the contract has no resumable one, nor one that is compressed again.
 */
export const xlsx = (times: LocalTimes): Format => ({
  extension: 'xlsx',
  contentType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pagesOfPart: null,
  encodedBeside: true,
  isText: false,
  copy: (selection) => copyText(selection, times),
  prologue: () => nothing,
  encoder: (columns) => new XlsxWriter(columns),
  glue: () => nothing,
  epilogue: () => nothing,
  fileType: (column) => (times.withOffset && isInstant(column) ? 'text' : kindOf(column).kind),
  show: (columns, copied) =>
    copied
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((line, row) =>
        fieldsOf(line).map((value, n) => {
          const column = columns[n];
          if (!column) throw new Error(`a row of more than ${columns.length} fields`);
          requireCell(value, row + 1, column.name);
          return shown(column, value);
        }),
      ),
});

/** A truth value is a word of the program's own; all else is shown as PostgreSQL writes it. */
function shown(column: SourceColumn, value: Shown): Shown {
  if (value === null || kindOf(column).kind !== 'boolean') return value;
  return value === 't' ? 'TRUE' : 'FALSE';
}
