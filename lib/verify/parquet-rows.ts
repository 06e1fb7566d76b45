import { type AsyncBuffer, parquetMetadataAsync } from 'hyparquet';

/** Returns the rows of all row groups from the footer; the pages are not decoded. */
export async function countParquetRows(file: AsyncBuffer): Promise<number> {
  const { num_rows: rows, row_groups: groups } = await parquetMetadataAsync(file);
  if (groups.reduce((sum, group) => sum + group.num_rows, 0n) !== rows)
    throw new Error('the sum of its row groups differs from its number of rows');
  return Number(rows);
}
