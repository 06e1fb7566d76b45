/**
 * npm start: brings up the native stack of one home, keeps it running, and stops it.
 *
 * What it starts (PostgreSQL, Kafka, LocalStack, the functions, NGINX) and how is in parts/; this file is the order
 * of things. Whatever ends it, a signal, a failed step or a part that dies, everything it started is stopped.
 */
import { mkdirSync } from 'node:fs';
import {
  applicationEnvironment,
  inheritedEnvironment,
  partEnvironment,
  SOURCES,
  superuserUrl,
} from './environment.ts';
import { messageOf, StackError, StopRequested } from './errors.ts';
import { FunctionsRestart } from './functions-restart.ts';
import { holdHome, markStopping } from './holding.ts';
import { type Home, openHome, openSecrets, REPO } from './home.ts';
import { endLeftovers } from './leftovers.ts';
import { askOwnSources, readOwnSources } from './own-sources.ts';
import type { StartContext } from './parts/context.ts';
import { startFunctions, sweepOnce } from './parts/functions.ts';
import { remainingProblems } from './parts/health.ts';
import { startKafka } from './parts/kafka.ts';
import { startLocalstack } from './parts/localstack.ts';
import { checkOrigin, startNginx } from './parts/nginx.ts';
import { startPostgres } from './parts/postgres.ts';
import { buildWeb } from './parts/web.ts';
import { installParts } from './parts.ts';
import { choosePorts } from './ports.ts';
import { prepare } from './prepare.ts';
import { together } from './processes.ts';
import { createProgress, type Progress } from './progress.ts';
import { closeHome, ownerOfParts, ownerWhoMayRun } from './protect-home.ts';
import { makeSigningKeys } from './signing-keys.ts';
import { removeStackFile, stackDocument, writeStackFile } from './stack-file.ts';
import { Supervisor } from './supervisor.ts';

async function main(progress: Progress): Promise<number> {
  const home = openHome(process.env);
  const supervisor = new Supervisor(home.logs);
  supervisor.stopOn(['SIGTERM', 'SIGINT', 'SIGHUP']);
  stopWithBootstrap(supervisor);
  const restart = new FunctionsRestart(supervisor);
  const held = await holdHome(home, (text) => progress.line('stack', text), supervisor.signal);
  try {
    const left = await endLeftovers(home);
    if (left > 0) progress.line('stack', `ended ${left} processes a former start left behind`);
    removeStackFile(home);
    mkdirSync(home.logs, { recursive: true, mode: 0o700 });
    progress.ready(await bringUp(home, supervisor, restart, progress));
    await supervisor.untilStopped();
    return 0;
  } catch (error) {
    // What failed first, not what failed because of it.
    supervisor.abort(error);
    return explain(supervisor.signal.reason, progress);
  } finally {
    await restart.settled();
    await stop(home, supervisor, progress);
    held.release();
  }
}

/** → the address, when all of it answers. */
async function bringUp(
  home: Home,
  supervisor: Supervisor,
  restart: FunctionsRestart,
  progress: Progress,
): Promise<string> {
  const { signal, abort } = supervisor;
  const report = progress.line;
  const ownSources = readOwnSources(process.env['STREAMSYNC_SOURCES'], SOURCES);
  const [ports, secrets] = [await choosePorts(home, process.env), openSecrets(home)];
  await makeSigningKeys(home);
  const owner = ownerOfParts(home);
  closeHome(home, owner);
  const url = `http://localhost:${ports.nginx}`;
  const installing = { environment: inheritedEnvironment(process.env), cwd: REPO, signal };
  const context: StartContext = {
    home,
    ports,
    secrets,
    signal,
    report,
    owner,
    runAs: (program) => ownerWhoMayRun(owner, program, { env: installing.environment, signal }),
    environment: partEnvironment(home),
    start: (spec) => supervisor.start(spec),
  };
  const application = applicationEnvironment(
    home,
    secrets,
    {
      url,
      postgresPort: ports.postgres,
      kafkaPort: ports.kafka,
      s3Port: ports.s3,
      s3Endpoint: process.env['STREAMSYNC_S3_ENDPOINT'],
    },
    ownSources,
  );

  const workers = {
    started: (name: string, pid: number) => supervisor.workerStarted(name, pid),
    gone: (pid: number) => supervisor.workerGone(pid),
  };

  const startUpToFunctions = async (): Promise<{
    nginx: string;
    consumersReady: () => Promise<void>;
  }> => {
    const { java, nginx } = await installParts({ ...installing, report, ports, abort });
    await together(abort, [
      startPostgres(context),
      startKafka(java, context),
      startLocalstack(context),
    ]);
    // Does not know our signal: when we are to stop, it fails as soon as its database does.
    const preparing = prepare({
      home: home.path,
      repo: REPO,
      environment: application,
      ownSources: Object.keys(ownSources),
      superuserUrl: (database) => superuserUrl(secrets, ports.postgres, database),
      report: (line) => report('prepare', line),
    });
    await Promise.race([preparing, supervisor.untilStopped()]);
    report('prepare', 'done');
    return { nginx, ...(await startFunctions(application, workers, context)) };
  };

  const [webRoot, { nginx, consumersReady }] = await together(abort, [
    buildWeb({ ...installing, report: (text) => report('web', text) }),
    startUpToFunctions(),
  ]);
  await together(abort, [
    startNginx(nginx, webRoot, context),
    sweepOnce(context),
    consumersReady(),
  ]);
  await checkOrigin(url, signal);
  await askOwnSources(ownSources, (text) => report('sources', text));
  for (const { message } of await remainingProblems(url, signal)) report('stack', message);
  const publish = (): void =>
    writeStackFile(home, stackDocument(secrets, ports, supervisor.processes()));
  supervisor.onChange = publish;
  publish();
  restart.enable(application, workers, context);
  return url;
}

async function stop(home: Home, supervisor: Supervisor, progress: Progress): Promise<void> {
  markStopping(home);
  supervisor.onChange = () => {};
  removeStackFile(home);
  await supervisor.stopAll((name) => progress.line(name, 'stopped'));
  await endLeftovers(home);
  progress.line('stack', 'stopped');
}

/** → the exit code. */
function explain(reason: unknown, progress: Progress): number {
  if (reason instanceof StopRequested) {
    progress.line('stack', `stopping (${reason.message})`);
    return 0;
  }
  if (reason instanceof StackError) progress.failure(reason.message, reason.details);
  else
    progress.failure(
      messageOf(reason),
      reason instanceof Error ? reason.stack?.split('\n').slice(1) : [],
    );
  return 1;
}

/** The bootstrap passes signals on; when it was killed itself nobody does, and npm start is over all the same. */
function stopWithBootstrap(supervisor: Supervisor): void {
  const bootstrap = Number(process.env['STREAMSYNC_BOOTSTRAP_PID']);
  if (process.ppid !== bootstrap) return; // started by hand
  const watch = setInterval(() => {
    if (process.ppid !== bootstrap) supervisor.abort(new StopRequested('npm start is gone'));
  }, 250);
  watch.unref();
}

const progress = createProgress(Number(process.env['STREAMSYNC_STARTED_AT']) || Date.now());
try {
  process.exit(await main(progress));
} catch (error) {
  process.exit(explain(error, progress));
}
