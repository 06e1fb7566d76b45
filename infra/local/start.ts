/**
 * npm start: starts the native stack of one home, keeps it running, and stops it.
 *
 * services/ has how each service is started (PostgreSQL, Kafka, LocalStack, the functions, NGINX); this file has their
 * order. A signal, a failed step or a service that ends stops everything that was started.
 */
import { mkdirSync } from 'node:fs';
import { topicsOf } from '../../lib/ingest/pipelines/load.ts';
import { errorMessage } from '../../lib/runtime/errors.ts';
import {
  applicationEnvironment,
  demoSources,
  inheritedEnvironment,
  serviceEnvironment,
  superuserUrl,
} from './environment.ts';
import { StackError, StopRequestedError } from './errors.ts';
import { type Home, openHome, openSecrets, repoRoot } from './home/home.ts';
import { acquireHomeLock, markStopping } from './home/lock.ts';
import { closeHome, ownerOfServices, ownerWhoMayRun } from './home/protect-home.ts';
import { createSigningKeys } from './home/signing-keys.ts';
import { createStackFile, removeStackFile, writeStackFile } from './home/stack-file.ts';
import { installTools } from './install/index.ts';
import { killOrphans } from './orphan-processes.ts';
import { readOwnPipelines } from './own-pipelines.ts';
import { checkOwnSources, readOwnSources } from './own-sources.ts';
import { choosePorts } from './ports.ts';
import { allOrAbort } from './processes.ts';
import { createProgress, type Progress } from './progress.ts';
import { provision } from './provision.ts';
import { FunctionsRestart } from './restart-functions.ts';
import { startAuthorizer } from './services/authorizer.ts';
import { startFunctions, sweepOnce } from './services/functions.ts';
import { remainingProblems } from './services/health.ts';
import { startKafka } from './services/kafka.ts';
import { startLocalstack } from './services/localstack.ts';
import { checkOrigin, startNginx } from './services/nginx.ts';
import { startPostgres } from './services/postgres.ts';
import { shipperSpec } from './services/shipper.ts';
import { isSimulated, simulatorSpec } from './services/simulator.ts';
import type { StartContext } from './services/start-context.ts';
import { buildWeb } from './services/web.ts';
import { Supervisor } from './supervisor.ts';

async function main(progress: Progress): Promise<number> {
  const home = openHome(process.env);
  const supervisor = new Supervisor(home.logs);
  supervisor.stopOn(['SIGTERM', 'SIGINT', 'SIGHUP']);
  stopWithBootstrap(supervisor);
  const restart = new FunctionsRestart(supervisor);
  const homeLock = await acquireHomeLock(
    home,
    (text) => progress.line('stack', text),
    supervisor.signal,
  );
  try {
    const orphans = await killOrphans(home);
    if (orphans > 0) progress.line('stack', `ended ${orphans} processes of a previous start`);
    removeStackFile(home);
    mkdirSync(home.logs, { recursive: true, mode: 0o700 });
    progress.ready(await bringUp(home, supervisor, restart, progress));
    await supervisor.untilStopped();
    return 0;
  } catch (error) {
    // The reason of the signal is the first error; `error` may only be a consequence of it.
    supervisor.abort(error);
    return explain(supervisor.signal.reason, progress);
  } finally {
    await restart.settled();
    await stop(home, supervisor, progress);
    homeLock.release();
  }
}

/** Returns the address when every service answers. */
async function bringUp(
  home: Home,
  supervisor: Supervisor,
  restart: FunctionsRestart,
  progress: Progress,
): Promise<string> {
  const { signal, abort } = supervisor;
  const report = progress.line;
  const ownSources = readOwnSources(process.env.STREAMSYNC_SOURCES, demoSources);
  const pipelines = readOwnPipelines(process.env.STREAMSYNC_PIPELINES);
  const [ports, secrets] = [await choosePorts(home, process.env), openSecrets(home)];
  await createSigningKeys(home);
  const owner = ownerOfServices(home);
  closeHome(home, owner);
  const url = `http://localhost:${ports.nginx}`;
  const installing = { environment: inheritedEnvironment(process.env), cwd: repoRoot, signal };
  const context: StartContext = {
    home,
    ports,
    secrets,
    signal,
    report,
    owner,
    runAs: (program) => ownerWhoMayRun(owner, program, { env: installing.environment, signal }),
    environment: serviceEnvironment(home),
    start: (spec) => supervisor.start(spec),
  };
  const application = applicationEnvironment(
    home,
    secrets,
    {
      url,
      postgres: `127.0.0.1:${ports.postgres}`,
      kafka: `127.0.0.1:${ports.kafka}`,
      s3Endpoint: process.env.STREAMSYNC_S3_ENDPOINT || `http://127.0.0.1:${ports.s3}`,
      // A test puts a proxy in front of the sockets.
      liveEndpoint: process.env.STREAMSYNC_LIVE_ENDPOINT || `http://127.0.0.1:${ports.websocket}`,
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
    const { java, nginx } = await installTools({ ...installing, report, ports, abort });
    await allOrAbort(abort, [
      startPostgres(context),
      startKafka(java, context),
      startLocalstack(context),
    ]);
    // It does not watch our signal: on a stop it fails when its database stops.
    const provisioning = provision({
      home: home.path,
      repo: repoRoot,
      environment: application,
      ownSources: Object.keys(ownSources),
      pipelineTopics: topicsOf(pipelines),
      superuserUrl: (database) => superuserUrl(secrets, `127.0.0.1:${ports.postgres}`, database),
      report: (line) => report('prepare', line),
    });
    await Promise.race([provisioning, supervisor.untilStopped()]);
    report('prepare', 'done');
    const [functions] = await allOrAbort(abort, [
      startFunctions(application, workers, context),
      startAuthorizer(application, context, (spec) => supervisor.keepRunning(spec)),
    ]);
    return { nginx, ...functions };
  };

  const [webRoot, { nginx, consumersReady }] = await allOrAbort(abort, [
    buildWeb({ ...installing, report: (text) => report('web', text) }),
    startUpToFunctions(),
  ]);
  await allOrAbort(abort, [
    startNginx(nginx, webRoot, context),
    sweepOnce(context),
    consumersReady(),
  ]);
  await supervisor.keepRunning(await shipperSpec(application, context));
  await checkOrigin(url, signal);
  await checkOwnSources(ownSources, (text) => report('sources', text));
  for (const { name, topic } of pipelines) report('pipelines', `${name} reads the topic ${topic}`);
  for (const { message } of await remainingProblems(url, signal)) report('stack', message);
  // On probation for ever: the stack is complete without it.
  if (isSimulated(process.env))
    await supervisor.start(await simulatorSpec(application, context), { probation: true });
  const publish = (): void =>
    writeStackFile(home, createStackFile(secrets, ports, supervisor.processes()));
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
  await killOrphans(home);
  progress.line('stack', 'stopped');
}

/** Prints why the stack stopped and returns the exit code. */
function explain(reason: unknown, progress: Progress): number {
  if (reason instanceof StopRequestedError) {
    progress.line('stack', `stopping (${reason.message})`);
    return 0;
  }
  if (reason instanceof StackError) progress.failure(reason.message, reason.details);
  else
    progress.failure(
      errorMessage(reason),
      reason instanceof Error ? reason.stack?.split('\n').slice(1) : [],
    );
  return 1;
}

/** The bootstrap passes signals on. If it is killed, npm start is over as well, so the stack stops. */
function stopWithBootstrap(supervisor: Supervisor): void {
  const bootstrap = Number(process.env.STREAMSYNC_BOOTSTRAP_PID);
  if (process.ppid !== bootstrap) return; // started by hand
  const watch = setInterval(() => {
    if (process.ppid !== bootstrap) supervisor.abort(new StopRequestedError('npm start ended'));
  }, 250);
  watch.unref();
}

const progress = createProgress(Number(process.env.STREAMSYNC_STARTED_AT) || Date.now());
try {
  process.exit(await main(progress));
} catch (error) {
  process.exit(explain(error, progress));
}
