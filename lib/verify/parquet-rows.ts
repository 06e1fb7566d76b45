import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet';

/** The rows of all row groups, by the footer: the pages are not decoded. */
export async function rowsOfParquet(path: string): Promise<number> {
  const { num_rows: rows, row_groups: groups } = await parquetMetadataAsync(
    await asyncBufferFromFile(path),
  );
  if (groups.reduce((sum, group) => sum + group.num_rows, 0n) !== rows)
    throw new Error('its row groups have not as many rows as it says');
  return Number(rows);
}
