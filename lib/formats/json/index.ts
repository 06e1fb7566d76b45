import { type Format, nothing } from './format.ts';
import { JsonEncoder } from './json-encoder.ts';
import { ndjson } from './ndjson.ts';

/** One JSON array, an object a line, with the values of NDJSON. */
export const json: Format = {
  ...ndjson,
  extension: 'json',
  contentType: 'application/json',
  prologue: () => Buffer.from('[\n'),
  encoder: (columns) => new JsonEncoder(columns, ','),
  glue: (rowsBefore) => (rowsBefore ? Buffer.from(',') : nothing),
  epilogue: () => Buffer.from(']\n'),
};
