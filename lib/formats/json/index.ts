import { jsonKernel } from '../../kernels/json-kernel.ts';
import { emptyBuffer, type Format } from '../format.ts';
import { ndjson } from '../ndjson/index.ts';
import { JsonEncoder } from './encoder.ts';

/** One JSON array, one object per line, with the values of NDJSON. */
export const json: Format = {
  ...ndjson,
  extension: 'json',
  contentType: 'application/json',
  header: () => Buffer.from('[\n'),
  encoder: (columns) => new JsonEncoder(columns, ','),
  kernel: (columns) => jsonKernel(columns, ','),
  separator: (rowsBefore) => (rowsBefore ? Buffer.from(',') : emptyBuffer),
  footer: () => Buffer.from(']\n'),
};
