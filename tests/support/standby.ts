import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startOwnPostgres } from './own-postgres.ts';
import { sql } from './stack.ts';

/**
 * Starts a PostgreSQL server that is a replica cut off from its primary: it has replayed all it received, the last of
 * it being `statements` (null: nothing to replay), receives no more, and answers queries.
 */
export async function startStandby(
  statements: string | null,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const server = await startOwnPostgres();
  try {
    if (statements !== null) await sql(server.url, statements);
    // Stopped at once, without writing its pages: all changes are only in the write-ahead log, which the next start
    // replays.
    await server.end(statements === null ? 'SIGINT' : 'SIGQUIT');
    await writeFile(join(server.directory, 'standby.signal'), '');
    await server.start();
    return { url: server.url, stop: server.remove };
  } catch (error) {
    await server.remove();
    throw error;
  }
}
