import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

/**
 * Returns the rows that DuckDB, an independent reader, returns for a query of a Parquet file. `query` gets the file's
 * name as an SQL literal.
 */
export async function queryParquet(
  bytes: Buffer,
  query: (file: string) => string,
): Promise<Record<string, unknown>[]> {
  const directory = await mkdtemp(join(tmpdir(), 'parquet-'));
  // One thread, because sums of decimals by several threads are wrong: duckdb#24905.
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
