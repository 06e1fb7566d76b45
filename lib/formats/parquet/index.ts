import type { ParquetTypes } from '../../contracts/format-capabilities.ts';
import { parquetKernel } from '../../kernels/parquet-kernel.ts';
import { parquetKernelBytes } from '../../kernels/parquet-pages.ts';
import { memoryLimits } from '../../runtime/memory-budget.ts';
import { copyBinary } from '../../sources/copy/statements.ts';
import { emptyBuffer, type Format } from '../format.ts';
import { codecOf } from './codecs.ts';
import { ParquetEncoder } from './encoder.ts';
import { footer, magic } from './footer.ts';
import { previewRows } from './preview.ts';
import { type RowGroup, rowGroupsOf, withBoundsOfAll } from './row-groups.ts';
import { columnSchemaOf, columnsOf, typeName } from './schema.ts';

/**
 * Apache Parquet, whose pages are compressed one by one. Row groups are independent, so segments can be encoded in
 * parallel; the footer contains the place of each row group.
 */
export const parquet = (types: ParquetTypes): Format => ({
  extension: 'parquet',
  contentType: 'application/vnd.apache.parquet',
  // As many as a row group has, so that few of them are smaller.
  pagesPerRange: 2_048,
  maxReaders: memoryLimits.maxParquetReaders,
  encodesInWorker: true,
  isText: false,
  copy: (selection) => copyBinary(selection, (column) => columnSchemaOf(column, types).sentAsText),
  copyEncoding: { kind: 'binary' },
  header: () => magic,
  encoder: (columns, compression) => new ParquetEncoder(columnsOf(columns, types), compression),
  kernelBytes: parquetKernelBytes,
  kernel: (columns, compression) => parquetKernel(columnsOf(columns, types), compression),
  separator: () => emptyBuffer,
  footer({ columns, compression, segments }) {
    const groups: RowGroup[] = [];
    let start = magic.length;
    for (const { bytes, fragment } of segments) {
      for (const group of rowGroupsOf(fragment)) groups.push(shift(group, start));
      start += bytes;
    }
    return footer({
      columns: columnsOf(columns, types),
      groups: withBoundsOfAll(groups),
      codec: codecOf(compression).id,
      offset: start,
    });
  },
  fileType: (column) => typeName(columnSchemaOf(column, types)),
  nullPolicy: (column) => columnSchemaOf(column, types).parquetType.nullPolicy,
  preview: (columns, copyOutput) => previewRows(columnsOf(columns, types), copyOutput),
});

const shift = ({ rows, chunks }: RowGroup, offset: number): RowGroup => ({
  rows,
  chunks: chunks.map((chunk) => ({ ...chunk, offset: offset + chunk.offset })),
});
