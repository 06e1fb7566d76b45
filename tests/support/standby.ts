import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serviceEnvironment, superuserUrl } from '../../infra/local/environment.ts';
import { openHome, openSecrets } from '../../infra/local/home/home.ts';
import { choosePorts } from '../../infra/local/ports.ts';
import { type Service, startService } from '../../infra/local/processes.ts';
import { startPostgres } from '../../infra/local/services/postgres.ts';
import type { StartContext } from '../../infra/local/services/start-context.ts';
import { sql } from './stack.ts';

/**
 * Starts a PostgreSQL server that is a replica cut off from its primary: it has replayed all it received, the last of
 * it being `statements` (null: nothing to replay), receives no more, and answers queries.
 */
export async function startStandby(
  statements: string | null,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'streamsync-standby-'));
  const home = openHome({ STREAMSYNC_HOME: directory });
  await mkdir(home.logs);
  const secrets = openSecrets(home);
  const ports = await choosePorts(home, {});
  const services: Service[] = [];
  const context: StartContext = {
    home,
    ports,
    secrets,
    owner: undefined,
    runAs: async () => undefined,
    environment: serviceEnvironment(home),
    signal: AbortSignal.timeout(5 * 60_000),
    start: async (spec) => {
      const service = await startService({ ...spec, logs: home.logs });
      services.push(service);
      return service;
    },
    report: () => {},
  };
  const stop = async (): Promise<void> => {
    for (const service of services) await service.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await startPostgres(context);
    const url = superuserUrl(secrets, `127.0.0.1:${ports.postgres}`, 'postgres');
    if (statements !== null) await sql(url, statements);
    // Stopped at once, without writing its pages: all changes are only in the write-ahead log, which the next start
    // replays.
    for (const { pid, exited } of services.splice(0)) {
      process.kill(pid, statements === null ? 'SIGINT' : 'SIGQUIT');
      await exited;
    }
    await writeFile(join(home.postgres, 'standby.signal'), '');
    await startPostgres(context);
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
