import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';

/** The migrations of the catalogue, and of the readings store, which shares the database of a source. */
const stores = {
  catalogue: { directory: './migrations', table: 'migrations' },
  readings: { directory: './readings', table: 'readings_migrations' },
} as const;

/** Runs the missing migrations of a database and returns their names. Parallel calls wait for each other. */
export async function migrate(
  databaseUrl: string,
  store: keyof typeof stores = 'catalogue',
): Promise<string[]> {
  const { directory, table } = stores[store];
  const done = await runner({
    databaseUrl,
    dir: fileURLToPath(new URL(directory, import.meta.url)),
    direction: 'up',
    migrationsTable: table,
    advisoryLockMode: 'wait',
    log: () => undefined,
  });
  return done.map(({ name }) => name);
}
