import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { partEnvironment, superuserUrl } from '../../infra/local/environment.ts';
import { openHome, openSecrets } from '../../infra/local/home.ts';
import type { StartContext } from '../../infra/local/parts/context.ts';
import { startPostgres } from '../../infra/local/parts/postgres.ts';
import { choosePorts } from '../../infra/local/ports.ts';
import { type Service, startService } from '../../infra/local/processes.ts';
import { sql } from './stack.ts';

/**
 * Starts a server of PostgreSQL that is a replica cut off from its primary: it has replayed what it got, the last of
 * it being `statements` (null: there is nothing to replay), gets no more, and answers queries.
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
    environment: partEnvironment(home),
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
    const url = superuserUrl(secrets, ports.postgres, 'postgres');
    if (statements !== null) await sql(url, statements);
    // At once, without writing its pages: all of it is in the log alone, and is replayed by what starts next.
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
