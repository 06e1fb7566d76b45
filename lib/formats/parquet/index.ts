import { copyBinary } from '../../sources/query.ts';
import { type Format, nothing } from '../format.ts';
import { ParquetEncoder } from './encoder.ts';
import { fileTypeOf, mappingOf } from './mapping.ts';

/**
 * Apache Parquet. A file has one footer, which says where everything lies: it is made in one go, and
 * is compressed page by page on the inside.
 */
export const parquet: Format = {
  extension: 'parquet',
  contentType: 'application/vnd.apache.parquet',
  copy: (selection) => copyBinary(selection, (column) => mappingOf(column).sentAsText),
  prologue: () => nothing,
  encoder: (columns, compression) => new ParquetEncoder(columns, compression),
  glue: () => nothing,
  epilogue: () => nothing,
  fileType: fileTypeOf,
  policy: (column) => mappingOf(column).kind.policy,
};
