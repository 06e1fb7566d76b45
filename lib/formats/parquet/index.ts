import type { ParquetTypes } from '../../contracts/format-capabilities.ts';
import { copyBinary } from '../../sources/copy-statements.ts';
import { type Format, nothing } from '../format.ts';
import { codecOf } from './codecs.ts';
import { ParquetEncoder } from './encoder.ts';
import { footer, magic } from './footer.ts';
import { columnsOf, fileTypeOf, mappingOf } from './mapping.ts';
import { type RowGroup, rowGroupsOf, withBoundsOfAll } from './row-groups.ts';
import { showRows } from './show.ts';

/**
 * Apache Parquet, compressed page by page on the inside. Row groups know nothing of each other: they are
 * made side by side, and where they have come to lie is said at the end of the file.
 */
export const parquet = (types: ParquetTypes): Format => ({
  extension: 'parquet',
  contentType: 'application/vnd.apache.parquet',
  // Encoding has the other core busy, and each more costs the memory of a row group and its garbage.
  pagesOfPart: null,
  encodedBeside: true,
  isText: false,
  copy: (selection) => copyBinary(selection, (column) => mappingOf(column, types).sentAsText),
  prologue: () => magic,
  encoder: (columns, compression) => new ParquetEncoder(columnsOf(columns, types), compression),
  glue: () => nothing,
  epilogue({ columns, compression, parts }) {
    const groups: RowGroup[] = [];
    let begin = magic.length;
    for (const { bytes, fragment } of parts) {
      for (const group of rowGroupsOf(fragment)) groups.push(movedBy(begin, group));
      begin += bytes;
    }
    return footer(columnsOf(columns, types), withBoundsOfAll(groups), codecOf(compression).id);
  },
  fileType: (column) => fileTypeOf(mappingOf(column, types)),
  policy: (column) => mappingOf(column, types).kind.policy,
  show: (columns, copied) => showRows(columnsOf(columns, types), copied),
});

const movedBy = (offset: number, { rows, chunks }: RowGroup): RowGroup => ({
  rows,
  chunks: chunks.map((chunk) => ({ ...chunk, offset: offset + chunk.offset })),
});
