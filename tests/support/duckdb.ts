import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

/** What DuckDB, a reader that is not ours, has of a Parquet file; `query` is given its name as it stands in SQL. */
export async function askParquet(
  bytes: Buffer,
  query: (file: string) => string,
): Promise<Record<string, unknown>[]> {
  const directory = await mkdtemp(join(tmpdir(), 'parquet-'));
  // With one thread: duckdb#24905 is about sums of decimals with many.
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    const path = join(directory, 'file.parquet');
    await writeFile(path, bytes);
    return (await connection.runAndReadAll(query(`'${path}'`))).getRowObjectsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(directory, { recursive: true });
  }
}
