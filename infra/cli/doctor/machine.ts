/** Checks what the machine needs, with or without a running stack: programs, tools, disk. Installs nothing. */
import { statfs } from 'node:fs/promises';
import { inheritedEnvironment } from '../../local/environment.ts';
import { type Home, repoRoot } from '../../local/home/home.ts';
import { startCommand } from '../../local/home/running-stack.ts';
import { java, maven } from '../../local/install/java.ts';
import { python } from '../../local/install/python.ts';
import type { Tool, ToolProbe } from '../../local/install/system-tools.ts';
import { run } from '../../local/processes.ts';
import { kafkaIsInstalled, kafkaNeedsMaven } from '../../local/services/kafka.ts';
import { localstackIsInstalled } from '../../local/services/localstack.ts';
import { nginx } from '../../local/services/nginx.ts';
import { type Check, type DoctorFinding, fail, ok, warn } from './check.ts';

const gigabyte = 1e9;
const minFreeBytes = gigabyte;
const lowFreeBytes = 3 * gigabyte;

export function machineChecks(home: Home): Check[] {
  // Kafka's class archive depends on the Java that is found: both checks share one search.
  const javaPath = java.find(probe);
  javaPath.catch(() => undefined);
  return [
    check('java', async () => [found('java', java, await javaPath)]),
    check('nginx', async () => [found('nginx', nginx, await nginx.find(probe))]),
    check('python', async () => [await findPython()]),
    check('kafka jars', async () => [await findKafka(await javaPath, home)]),
    check('localstack venv', async () => [
      localstackIsInstalled()
        ? ok('localstack venv', 'installed')
        : fail('localstack venv', 'not installed', `${startCommand(home)} installs it`),
    ]),
    check('disk', async () => [await checkDisk(home)]),
  ];
}

function check(name: string, examine: () => Promise<DoctorFinding[]>): Check {
  return {
    name,
    run: examine,
    fix: 'check whether the machine is overloaded, then try again',
  };
}

/** As in npm start, within the timeout of a check: java and nginx write their versions to standard error. */
const probe: ToolProbe = async (command, args) => {
  try {
    return await run({
      what: `asking ${command}`,
      command: 'sh',
      args: ['-c', 'exec "$0" "$@" 2>&1', command, ...args],
      env: inheritedEnvironment(process.env),
      cwd: repoRoot,
      seconds: 5,
      signal: new AbortController().signal,
    });
  } catch {
    return undefined;
  }
};

function found(name: string, tool: Tool, path: string | undefined): DoctorFinding {
  return path === undefined
    ? fail(name, `${tool.what} not found`, howToInstall(tool))
    : ok(name, path);
}

function howToInstall({ apt, brew }: Tool): string {
  return `Debian, Ubuntu: sudo apt-get install --no-install-recommends ${apt.join(' ')}; macOS: brew install ${brew.join(' ')}`;
}

/** Python is needed only to install LocalStack, whose environment then has its own. */
async function findPython(): Promise<DoctorFinding> {
  const path = await python.find(probe);
  return path === undefined && localstackIsInstalled()
    ? ok('python', 'no compatible version on PATH; LocalStack has its own')
    : found('python', python, path);
}

async function findKafka(javaPath: string | undefined, home: Home): Promise<DoctorFinding> {
  const name = 'kafka jars';
  if (kafkaNeedsMaven()) {
    const hasMaven = (await maven.find(probe)) !== undefined;
    return fail(
      name,
      'not installed',
      hasMaven ? `${startCommand(home)} fetches them` : `Maven: ${howToInstall(maven)}`,
    );
  }
  return javaPath !== undefined && !kafkaIsInstalled(javaPath)
    ? warn(name, 'installed, but their class archive is for another Java', startCommand(home))
    : ok(name, 'installed');
}

async function checkDisk({ path }: Home): Promise<DoctorFinding> {
  const { bavail, bsize } = await statfs(path);
  const free = bavail * bsize;
  const detail = `${(free / gigabyte).toFixed(1)} GB free in ${path}`;
  const fix = 'free disk space: databases, files and the download cache grow there';
  if (free < minFreeBytes) return fail('disk', detail, fix);
  return free < lowFreeBytes ? warn('disk', detail, fix) : ok('disk', detail);
}
