import type { ExportRequest } from '../contracts/export-request.ts';
import type { KernelPlan } from '../kernels/row-kernel.ts';
import type { SourceColumn } from '../sources/datasets.ts';
import type { Format } from './format.ts';

type Compression = ExportRequest['compression'];

/** Returns the kernel that encodes these columns, undefined if the format's encoder does. */
export function kernelOf(
  format: Format,
  columns: readonly SourceColumn[],
  compression: Compression,
): KernelPlan | undefined {
  // A kernel knows no hashes of values.
  const isHashed = columns.some(({ policy }) => policy === 'hash');
  return isHashed ? undefined : format.kernel?.(columns, compression);
}

/** Returns the pages of a range if several readers may read these columns, null if one reads all of them. */
export function pagesPerRangeOf(
  format: Format,
  columns: readonly SourceColumn[],
  compression: Compression,
): number | null {
  // The worker thread of an encoder is busy with the rows of one reader.
  const isWithoutKernel =
    format.encodesInWorker && kernelOf(format, columns, compression) === undefined;
  return isWithoutKernel ? null : format.pagesPerRange;
}
