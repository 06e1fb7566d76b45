/** What the machine has to have, running or not: programs, installed parts, disk. Nothing is installed here. */
import { statfs } from 'node:fs/promises';
import { inheritedEnvironment } from '../environment.ts';
import { startCommand } from '../found-stack.ts';
import { type Home, REPO } from '../home.ts';
import { java, maven } from '../parts/java.ts';
import { kafkaIsInstalled, kafkaNeedsMaven } from '../parts/kafka.ts';
import { localstackIsInstalled } from '../parts/localstack.ts';
import { nginx } from '../parts/nginx.ts';
import { python } from '../parts/python.ts';
import { run } from '../processes.ts';
import type { Look, Tool } from '../tools.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';

const GIGABYTE = 1e9;
const LEAST_DISK = GIGABYTE;
const LITTLE_DISK = 3 * GIGABYTE;

export function machineChecks(home: Home): Check[] {
  // Kafka's archive of classes is made for the Java that is found: one search serves both.
  const javaPath = java.find(look);
  javaPath.catch(() => undefined);
  return [
    check('java', async () => [found('java', java, await javaPath)]),
    check('nginx', async () => [found('nginx', nginx, await nginx.find(look))]),
    check('python', async () => [await findPython()]),
    check('kafka jars', async () => [await findKafka(await javaPath, home)]),
    check('localstack venv', async () => [
      localstackIsInstalled()
        ? ok('localstack venv', 'installed')
        : fail('localstack venv', 'not installed', `${startCommand(home)} installs it`),
    ]),
    check('disk', async () => [await lookAtDisk(home)]),
  ];
}

const check = (name: string, looking: () => Promise<Finding[]>): Check => ({
  name,
  look: looking,
  todo: 'look whether the machine is overloaded, then try again',
});

/** As npm start asks, within the time of a check: java and nginx write their versions to standard error. */
const look: Look = async (command, args) => {
  try {
    return await run({
      what: `asking ${command}`,
      command: 'sh',
      args: ['-c', 'exec "$0" "$@" 2>&1', command, ...args],
      env: inheritedEnvironment(process.env),
      cwd: REPO,
      seconds: 5,
      signal: new AbortController().signal,
    });
  } catch {
    return undefined;
  }
};

function found(name: string, tool: Tool, path: string | undefined): Finding {
  return path === undefined
    ? fail(name, `there is no ${tool.what}`, howToInstall(tool))
    : ok(name, path);
}

const howToInstall = ({ apt, brew }: Tool): string =>
  `Debian, Ubuntu: sudo apt-get install --no-install-recommends ${apt.join(' ')}; macOS: brew install ${brew.join(' ')}`;

/** Needed to install LocalStack only; afterwards its environment has one. */
async function findPython(): Promise<Finding> {
  const path = await python.find(look);
  return path === undefined && localstackIsInstalled()
    ? ok('python', 'none that fits on PATH, LocalStack has its own')
    : found('python', python, path);
}

async function findKafka(javaPath: string | undefined, home: Home): Promise<Finding> {
  const name = 'kafka jars';
  if (kafkaNeedsMaven()) {
    const hasMaven = (await maven.find(look)) !== undefined;
    return fail(
      name,
      'not installed',
      hasMaven ? `${startCommand(home)} fetches them` : `Maven: ${howToInstall(maven)}`,
    );
  }
  return javaPath !== undefined && !kafkaIsInstalled(javaPath)
    ? warn(name, 'installed, their archive of classes is not for this Java', startCommand(home))
    : ok(name, 'installed');
}

async function lookAtDisk({ path }: Home): Promise<Finding> {
  const { bavail, bsize } = await statfs(path);
  const free = bavail * bsize;
  const detail = `${(free / GIGABYTE).toFixed(1)} GB free in ${path}`;
  const todo = 'make room: databases, files and the cache of downloads grow there';
  if (free < LEAST_DISK) return fail('disk', detail, todo);
  return free < LITTLE_DISK ? warn('disk', detail, todo) : ok('disk', detail);
}
