import { rm, stat } from 'node:fs/promises';
import { DuckDBInstance } from '@duckdb/node-api';

/**
 * `duckdb-copy.ts <extension> <options> <url> <table> <file>`: copies a table of PostgreSQL to Parquet with zstd in DuckDB, as
 * users of `@duckdb/node-api` would. Prints a line of JSON as peers.py does. DuckDB is connected to the database before.
 */
const [extension, options, url, table, file = ''] = process.argv.slice(2);
const instance = await DuckDBInstance.create(':memory:');
const connection = await instance.connect();
await connection.run(`load '${extension}'`);
await connection.run(`attach '${url}' as source (type postgres, read_only)`);
await rm(file, { force: true });
const startedAt = performance.now();
const cpuBefore = process.cpuUsage();
const copied = await connection.run(
  `copy (select * from source.public.${table}) to '${file}' (format parquet, compression zstd${options})`,
);
const seconds = (performance.now() - startedAt) / 1_000;
const { user, system } = process.cpuUsage(cpuBefore);
const [[rows] = []] = await copied.getRows();
console.log(
  JSON.stringify({
    seconds,
    cpuSeconds: (user + system) / 1e6,
    megabytes: process.resourceUsage().maxRSS / 1_024,
    rows: Number(rows),
    bytes: (await stat(file)).size,
  }),
);
