import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { serviceEnvironment, superuserUrl } from '../../infra/local/environment.ts';
import { openHome, openSecrets } from '../../infra/local/home/home.ts';
import { choosePorts } from '../../infra/local/ports.ts';
import { type Service, startService } from '../../infra/local/processes.ts';
import { startPostgres } from '../../infra/local/services/postgres.ts';
import type { StartContext } from '../../infra/local/services/start-context.ts';

/** A PostgreSQL server of a test's own, with the settings of the stack's. */
export interface OwnPostgres {
  /** Of the superuser. */
  url: string;
  /** The directory of its files. */
  directory: string;
  /** Ends the server by a signal, and waits for it. */
  end: (signal: NodeJS.Signals) => Promise<void>;
  /** Starts it again. */
  start: () => Promise<void>;
  /** Stops it and removes its files. */
  remove: () => Promise<void>;
}

export async function startOwnPostgres(): Promise<OwnPostgres> {
  const directory = await mkdtemp(`${tmpdir()}/streamsync-postgres-`);
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
  const start = async (): Promise<void> => {
    await startPostgres(context);
  };
  const remove = async (): Promise<void> => {
    for (const service of services) await service.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    url: superuserUrl(secrets, `127.0.0.1:${ports.postgres}`, 'postgres'),
    directory: home.postgres,
    end: async (signal) => {
      for (const { pid, exited } of services.splice(0)) {
        process.kill(pid, signal);
        await exited;
      }
    },
    start,
    remove,
  };
}
