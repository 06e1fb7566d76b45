/**
 * Apache Kafka, one node in KRaft mode, from the jars of infra/kafka/pom.xml.
 *
 * A broker needs half of its start time to load its classes. They are kept in an archive that the JVM maps into memory
 * (application class-data sharing): 2.2 s of processor time instead of 4.5 s, and 40 MB less.
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
import { errorMessage } from '../../../lib/runtime/errors.ts';
import { createDirectoryAtomic, writeFileAtomic } from '../home/atomic-file.ts';
import { repoRoot } from '../home/home.ts';
import type { ToolContext } from '../install/apt.ts';
import { javaIdentity } from '../install/java.ts';
import { type CachedTool, install, isInstalled, toolDirectory } from '../install/tool-cache.ts';
import { type CommandSpec, run, startService, waitFor } from '../processes.ts';
import { renderTemplate } from '../template.ts';
import { type StartContext, startTimeoutSeconds } from './start-context.ts';

const configDirectory = join(repoRoot, 'infra/kafka');
const pomFile = join(configDirectory, 'pom.xml');
const startedMessage = 'Kafka Server started';
const stopTimeoutSeconds = 15;

const jars: CachedTool = { name: 'kafka', definition: readFileSync(pomFile, 'utf8') };

/** The class archive is built with one Java for one set of jars: another JVM would ignore it. */
function classes(java: string): CachedTool {
  return { name: 'kafka-classes', definition: `${jars.definition}\n${javaIdentity(java)}` };
}

export const kafkaNeedsMaven = (): boolean => !isInstalled(jars);

export function kafkaIsInstalled(java: string): boolean {
  return isInstalled(jars) && isInstalled(classes(java));
}

/** `ports` are two free ports for the run that records which classes a broker loads. */
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
          pomFile,
          'dependency:copy-dependencies',
          '-DincludeScope=runtime',
          `-DoutputDirectory=${join(draft, 'lib')}`,
        ],
        env: context.environment,
        cwd: repoRoot,
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
  writeFileAtomic(home.kafkaConfig, configuration(ports.kafka, ports.kafkaController, home.kafka));
  await createDirectoryAtomic(home.kafka, async (draft) => {
    const draftConfig = `${home.kafkaConfig}.new`;
    writeFileAtomic(draftConfig, configuration(ports.kafka, ports.kafkaController, draft));
    await formatStorage(java, draftConfig, { env, signal, owner, isPrivate: true });
    rmSync(draftConfig);
  });
  const archive = join(toolDirectory('kafka-classes'), 'kafka.jsa');
  await context.start({
    name: 'kafka',
    command: java,
    env,
    owner,
    stopSeconds: stopTimeoutSeconds,
    ...broker(home.kafkaConfig),
    ...(existsSync(archive) ? broker(home.kafkaConfig, `-XX:SharedArchiveFile=${archive}`) : {}),
  });
  await waitFor('kafka did not answer', { seconds: startTimeoutSeconds, signal }, () =>
    answers(ports.kafka),
  );
  report('kafka', `ready on 127.0.0.1:${ports.kafka}`);
}

function configuration(port: number, controllerPort: number, data: string): string {
  return renderTemplate(readFileSync(join(configDirectory, 'server.properties.template'), 'utf8'), {
    port,
    controllerPort,
    data,
  });
}

/** The class path has relative names in a fixed order: a class archive is valid for exactly one class path. */
function jvm(...options: string[]): { cwd: string; args: string[] } {
  const cwd = toolDirectory('kafka');
  const classPath = readdirSync(join(cwd, 'lib'))
    .toSorted()
    .map((jar) => `lib/${jar}`)
    .join(':');
  return {
    cwd,
    args: [
      // The serial collector and the first compiler tier start faster and suffice for one small broker.
      '-Xmx512m',
      '-XX:+IgnoreUnrecognizedVMOptions',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      ...options,
      `-Dlog4j2.configurationFile=${join(configDirectory, 'log4j2.properties')}`,
      '-cp',
      classPath,
    ],
  };
}

/** Returns how `java` runs a broker with a configuration file. */
export function broker(config: string, ...options: string[]): { cwd: string; args: string[] } {
  const { cwd, args } = jvm(...options);
  return { cwd, args: [...args, 'kafka.Kafka', config] };
}

/** Makes the directory of a configuration file the storage of a new cluster. `options` are further ones of Kafka's tool. */
export async function formatStorage(
  java: string,
  config: string,
  spec: Pick<CommandSpec, 'env' | 'signal' | 'owner' | 'isPrivate'>,
  options: readonly string[] = [],
): Promise<void> {
  const { cwd, args } = jvm();
  const clusterId = randomBytes(16);
  // An id that begins with "-" (62 in the upper six bits) would be read as an option.
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
      ...options,
    ],
    cwd,
    ...spec,
    seconds: 180,
  });
}

/** Returns true if the broker has registered, is not fenced, and knows its controller. */
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

/** Starts a broker with empty storage and stops it: at its end the JVM writes the archive of its loaded classes. */
async function recordClasses(
  java: string,
  draft: string,
  [port, controllerPort]: readonly [number, number],
  context: ToolContext,
): Promise<void> {
  const directory = join(draft, 'run');
  mkdirSync(directory);
  const config = join(directory, 'server.properties');
  writeFileSync(config, configuration(port, controllerPort, join(directory, 'data')));
  const { environment: env, signal } = context;
  const archive = join(directory, 'kafka.jsa');
  try {
    await formatStorage(java, config, { env, signal });
    const service = await startService({
      name: 'broker',
      command: java,
      env,
      logs: directory,
      stopSeconds: 60,
      ...broker(config, `-XX:ArchiveClassesAtExit=${archive}`),
    });
    try {
      await waitFor(
        'Kafka did not start',
        { seconds: startTimeoutSeconds, signal },
        () => readFileSync(service.log, 'utf8').includes(startedMessage) || undefined,
      );
      await answers(port);
    } finally {
      await service.stop();
    }
    renameSync(archive, join(draft, 'kafka.jsa'));
  } catch (error) {
    signal.throwIfAborted();
    // The JVM lacks this feature: Kafka starts without the archive.
    context.report(`started without class archive: ${errorMessage(error)}`);
  }
  rmSync(directory, { recursive: true, force: true });
}
