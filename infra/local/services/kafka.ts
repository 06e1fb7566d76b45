/**
 * Apache Kafka, one node in KRaft mode, from the jars of infra/kafka/pom.xml.
 *
 * Half of the time a broker takes to come up goes into loading its classes. They are kept in an archive the JVM
 * maps into memory (application class-data sharing): 2.2 s of processor time instead of 4.5 s, and 40 MB less.
 */
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Kafka as KafkaClient, logLevel } from 'kafkajs';
import type { ToolContext } from '../apt.ts';
import { createOnce, replaceFile } from '../files.ts';
import { REPO } from '../home.ts';
import { type CommandSpec, run, startService, waitFor } from '../processes.ts';
import { renderTemplate } from '../template.ts';
import { START_SECONDS, type StartContext } from './context.ts';
import { install, isInstalled, type Part, partDirectory } from './install.ts';
import { javaIdentity } from './java.ts';

const CONFIGURATION = join(REPO, 'infra/kafka');
const POM = join(CONFIGURATION, 'pom.xml');
const STARTED = 'Kafka Server started';
const STOP_SECONDS = 15;

const jars: Part = { name: 'kafka', definition: readFileSync(POM, 'utf8') };

/** Made with one Java for one set of jars: another JVM would only ignore it. */
function classes(java: string): Part {
  return { name: 'kafka-classes', definition: `${jars.definition}\n${javaIdentity(java)}` };
}

export const kafkaNeedsMaven = (): boolean => !isInstalled(jars);

export function kafkaIsInstalled(java: string): boolean {
  return isInstalled(jars) && isInstalled(classes(java));
}

/** ports: two free ones, for the run that records which classes a broker loads. */
export async function installKafka(
  java: string,
  maven: () => string,
  ports: readonly [number, number],
  context: ToolContext,
): Promise<void> {
  if (!isInstalled(jars)) {
    context.report('fetching Kafka from Maven Central');
    await install(jars, async (draft) => {
      await run({
        what: 'fetching Kafka with Maven',
        command: maven(),
        args: [
          '-q',
          '-B',
          '-ntp',
          '-f',
          POM,
          'dependency:copy-dependencies',
          '-DincludeScope=runtime',
          `-DoutputDirectory=${join(draft, 'lib')}`,
        ],
        env: context.environment,
        cwd: REPO,
        seconds: 900,
        signal: context.signal,
      });
    });
  }
  if (!isInstalled(classes(java))) {
    context.report('recording the classes Kafka loads');
    await install(classes(java), (draft) => recordClasses(java, draft, ports, context));
  }
}

export async function startKafka(java: string, context: StartContext): Promise<void> {
  const { home, ports, signal, report } = context;
  const env = context.environment;
  const owner = await context.runAs(java);
  replaceFile(home.kafkaConfig, configuration(ports.kafka, ports.kafkaController, home.kafka));
  await createOnce(home.kafka, async (draft) => {
    const draftConfig = `${home.kafkaConfig}.new`;
    replaceFile(draftConfig, configuration(ports.kafka, ports.kafkaController, draft));
    await format(java, draftConfig, { env, signal, owner, isPrivate: true });
    rmSync(draftConfig);
  });
  const archive = join(partDirectory('kafka-classes'), 'kafka.jsa');
  await context.start({
    name: 'kafka',
    command: java,
    env,
    owner,
    stopSeconds: STOP_SECONDS,
    ...broker(home.kafkaConfig),
    ...(existsSync(archive) ? broker(home.kafkaConfig, `-XX:SharedArchiveFile=${archive}`) : {}),
  });
  await waitFor('kafka does not answer', { seconds: START_SECONDS, signal }, () =>
    answers(ports.kafka),
  );
  report('kafka', `ready on 127.0.0.1:${ports.kafka}`);
}

function configuration(port: number, controllerPort: number, data: string): string {
  return renderTemplate(readFileSync(join(CONFIGURATION, 'server.properties.template'), 'utf8'), {
    port,
    controllerPort,
    data,
  });
}

/** The jars are named relative to the part, in a fixed order: an archive of classes is good for exactly one class path. */
function jvm(...options: string[]): { cwd: string; args: string[] } {
  const cwd = partDirectory('kafka');
  const classPath = readdirSync(join(cwd, 'lib'))
    .toSorted()
    .map((jar) => `lib/${jar}`)
    .join(':');
  return {
    cwd,
    args: [
      // One small broker: the serial collector and the first compiler tier start faster, and are enough here.
      '-Xmx512m',
      '-XX:+IgnoreUnrecognizedVMOptions',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      ...options,
      `-Dlog4j2.configurationFile=${join(CONFIGURATION, 'log4j2.properties')}`,
      '-cp',
      classPath,
    ],
  };
}

function broker(config: string, ...options: string[]): { cwd: string; args: string[] } {
  const { cwd, args } = jvm(...options);
  return { cwd, args: [...args, 'kafka.Kafka', config] };
}

async function format(
  java: string,
  config: string,
  spec: Pick<CommandSpec, 'env' | 'signal' | 'owner' | 'isPrivate'>,
): Promise<void> {
  const { cwd, args } = jvm();
  const clusterId = randomBytes(16);
  // An id that begins with "-" would be taken for an option: base64url writes that for 62 in the upper six bits.
  clusterId[0] = (clusterId[0] ?? 0) & 0x7f;
  await run({
    what: "formatting Kafka's storage",
    command: java,
    args: [
      ...args,
      'kafka.tools.StorageTool',
      'format',
      '--cluster-id',
      clusterId.toString('base64url'),
      '--config',
      config,
    ],
    cwd,
    ...spec,
    seconds: 60,
  });
}

/** A broker that answers a client has registered, is not fenced, and knows its controller. */
async function answers(port: number): Promise<true | undefined> {
  const client = new KafkaClient({
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    connectionTimeout: 1000,
    requestTimeout: 3000,
  });
  const admin = client.admin();
  try {
    await admin.connect();
    const { brokers, controller } = await admin.describeCluster();
    return controller !== null && brokers.some((each) => each.port === port) ? true : undefined;
  } finally {
    await admin.disconnect();
  }
}

/** Starts a broker on an empty disk and stops it: at its end the JVM writes down the classes it has loaded. */
async function recordClasses(
  java: string,
  draft: string,
  [port, controllerPort]: readonly [number, number],
  context: ToolContext,
): Promise<void> {
  const work = join(draft, 'run');
  mkdirSync(work);
  const config = join(work, 'server.properties');
  writeFileSync(config, configuration(port, controllerPort, join(work, 'data')));
  const { environment: env, signal } = context;
  const archive = join(work, 'kafka.jsa');
  try {
    await format(java, config, { env, signal });
    const service = await startService({
      name: 'broker',
      command: java,
      env,
      logs: work,
      stopSeconds: 60,
      ...broker(config, `-XX:ArchiveClassesAtExit=${archive}`),
    });
    try {
      await waitFor(
        'Kafka does not start',
        { seconds: START_SECONDS, signal },
        () => readFileSync(service.log, 'utf8').includes(STARTED) || undefined,
      );
      await answers(port);
    } finally {
      await service.stop();
    }
    renameSync(archive, join(draft, 'kafka.jsa'));
  } catch (error) {
    signal.throwIfAborted();
    // A JVM without this feature: Kafka then starts without the archive.
    context.report(
      `no archive of classes: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  rmSync(work, { recursive: true, force: true });
}
