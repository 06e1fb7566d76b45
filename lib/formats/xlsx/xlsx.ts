import { copyText } from '../../sources/query.ts';
import { type Format, nothing } from '../format.ts';
import { kindOf } from './cells.ts';
import { XlsxWriter } from './writer.ts';

/**
 * An Office Open XML workbook (ECMA-376). A zip cannot be put together out of pieces made side by side,
 * so the encoder makes all of it: the contract has no resumable one, nor one that is compressed again.
 */
export const xlsx = (timeZone: string): Format => ({
  extension: 'xlsx',
  contentType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pagesOfPart: null,
  encodedBeside: true,
  copy: (selection) => copyText(selection, timeZone),
  prologue: () => nothing,
  encoder: (columns) => new XlsxWriter(columns),
  glue: () => nothing,
  epilogue: () => nothing,
  fileType: (column) => kindOf(column).kind,
});
