import { jsonKernel } from '../../kernels/json-kernel.ts';
import { textKernelBytes } from '../../kernels/text-kernel.ts';
import { copyJson } from '../../sources/copy/statements.ts';
import { emptyBuffer, type Format } from '../format.ts';
import { encodedByServer, jsonType } from '../json/column-types.ts';
import { JsonEncoder } from '../json/encoder.ts';
import { parseJsonRows } from '../json/parse.ts';

/**
 * Newline-delimited JSON with the values as PostgreSQL writes them (row_to_json): one object per line, an LF after
 * each, keys in the order of the columns, NULL as null. 64-bit integers and exact numbers are strings, bytes are
 * base64; NaN and the infinities of doubles are strings, because JSON has no numbers for them.
 */
export const ndjson: Format = {
  extension: 'ndjson',
  contentType: 'application/x-ndjson',
  pagesPerRange: 512,
  encodesInWorker: true,
  isText: true,
  copy: (selection) => copyJson(selection, encodedByServer),
  copyEncoding: { kind: 'text' },
  header: () => emptyBuffer,
  encoder: (columns) => new JsonEncoder(columns),
  kernelBytes: textKernelBytes,
  kernel: (columns) => jsonKernel(columns, ''),
  separator: () => emptyBuffer,
  footer: () => emptyBuffer,
  fileType: jsonType,
  preview(columns, copyOutput) {
    const encoder = new JsonEncoder(columns);
    const lines: Buffer[] = [];
    for (const chunk of encoder.lines(copyOutput)) lines.push(Buffer.from(chunk));
    return parseJsonRows(Buffer.concat([...lines, encoder.rest()]));
  },
};
