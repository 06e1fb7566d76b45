import { textKernelBytes } from '../../kernels/text-kernel.ts';
import { xlsxKernel } from '../../kernels/xlsx-kernel.ts';
import { copyText, isInstant, type LocalTimes } from '../../sources/copy/statements.ts';
import { parseCopyFields } from '../../sources/copy/text-parser.ts';
import type { SourceColumn } from '../../sources/datasets.ts';
import { emptyBuffer, type Format, type PreviewValue } from '../format.ts';
import { cellTypeOf } from './cells.ts';
import { XlsxEncoder } from './encoder.ts';
import { assertFitsCell } from './sheet-rows.ts';

/**
 * An Office Open XML workbook (ECMA-376). Segments that are encoded in parallel cannot be concatenated into one zip,
 * so one encoder writes the whole file.
 */
export const xlsx = (times: LocalTimes): Format => ({
  extension: 'xlsx',
  contentType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pagesPerRange: null,
  encodesInWorker: true,
  isText: false,
  copy: (selection) => copyText(selection, times),
  copyEncoding: { kind: 'text' },
  header: () => emptyBuffer,
  encoder: (columns) => new XlsxEncoder(columns),
  kernelBytes: textKernelBytes,
  kernel: (columns) => xlsxKernel(columns),
  separator: () => emptyBuffer,
  footer: () => emptyBuffer,
  fileType: (column) => (times.withOffset && isInstant(column) ? 'text' : cellTypeOf(column).kind),
  preview: (columns, copyOutput) =>
    copyOutput
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((line, row) =>
        parseCopyFields(line).map((value, n) => {
          const column = columns[n];
          if (!column) throw new Error(`a row has more than ${columns.length} fields`);
          assertFitsCell(value, row + 1, column.name);
          return previewValueOf(column, value);
        }),
      ),
});

/** Returns a boolean as spreadsheets show it, and any other value as PostgreSQL writes it. */
function previewValueOf(column: SourceColumn, value: PreviewValue): PreviewValue {
  if (value === null || cellTypeOf(column).kind !== 'boolean') return value;
  return value === 't' ? 'TRUE' : 'FALSE';
}
