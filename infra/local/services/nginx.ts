/** NGINX, the only origin: the system's package with a configuration rendered for this stack. */
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  lchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { renderDoor } from '../../nginx/configuration.ts';
import { writeFileAtomic } from '../home/atomic-file.ts';
import { firstCompatible, type Tool } from '../install/system-tools.ts';
import { assertPortFree, hasIpv6Loopback } from '../ports.ts';
import { type Owner, run, waitFor } from '../processes.ts';
import { redactAddresses } from '../redact.ts';
import { type RotatedLog, rotateLogs } from '../rotate-logs.ts';
import { assertHealthy } from './health.ts';
import { type StartContext, startTimeoutSeconds } from './start-context.ts';

const configFile = 'nginx.conf';
const requiredModules = ['--with-http_auth_request_module', '--with-http_slice_module'];
const stopTimeoutSeconds = 5;
const requestsLog = 'requests.log';
const deliveriesLog = 'deliveries.log';
/**
 * The access logs, which belong to the workers. The shipper deletes rotated delivery logs as soon as all is sent, so that
 * many of them are there only if Kafka was away for long.
 */
const accessLogs: readonly RotatedLog[] = [
  { name: requestsLog, maxBytes: 20 * 2 ** 20, keep: 5 },
  { name: deliveriesLog, maxBytes: 20 * 2 ** 20, keep: 50 },
];
const rotationMs = 10_000;

export const nginx: Tool = {
  what: 'NGINX with the modules auth_request and slice',
  apt: ['nginx'],
  brew: ['nginx'],
  find: (probe) =>
    firstCompatible(
      probe,
      [
        'nginx',
        '/usr/sbin/nginx',
        '/usr/local/sbin/nginx',
        '/opt/homebrew/bin/nginx',
        '/usr/local/bin/nginx',
      ],
      ['-V'],
      (answer) => requiredModules.every((module) => answer.includes(module)),
    ),
};

/**
 * Renders the configuration into the directory of NGINX and starts it there. All paths in it are relative to that
 * directory, so that workers without root need no access to its parents.
 */
export async function startNginx(
  program: string,
  webRoot: string,
  context: StartContext,
): Promise<void> {
  const { home, ports, signal, environment, report } = context;
  const user = await workerUser(context);
  mkdirSync(home.nginx, { recursive: true, mode: 0o700 });
  // A killed start leaves its socket, and NGINX cannot listen on an existing file.
  rmSync(join(home.nginx, 'origin.sock'), { force: true });
  render(home.nginx, context, user);
  rmSync(join(home.nginx, 'web'), { recursive: true, force: true });
  cpSync(webRoot, join(home.nginx, 'web'), { recursive: true });
  restrictAccess(home.nginx, user);
  const args = ['-p', './', '-c', configFile];
  // A later start recognises NGINX by its working directory: its title overwrites its environment.
  const place = { env: environment, cwd: home.nginx };
  await run({
    what: `checking ${join(home.nginx, configFile)}`,
    command: program,
    args: ['-t', ...args],
    ...place,
    isPrivate: true,
    seconds: 180,
    signal,
  });
  // On a first start, minutes may have passed since the port was chosen.
  await assertPortFree(ports.nginx);
  const { pid } = await context.start({
    name: 'nginx',
    command: program,
    args,
    ...place,
    stopSeconds: stopTimeoutSeconds,
    outputFilter: redactAddresses,
  });
  await waitFor('nginx did not answer', { seconds: startTimeoutSeconds, signal }, async () => {
    await fetch(`http://127.0.0.1:${ports.nginx}/`, { signal: AbortSignal.timeout(2000) });
    return true;
  });
  setInterval(() => {
    // On this signal NGINX opens its logs again, by their names.
    if (!signal.aborted && rotateLogs(home.nginx, accessLogs, new Date()))
      process.kill(pid, 'SIGUSR1');
  }, rotationMs).unref();
  report('nginx', `ready on port ${ports.nginx}`);
}

function render(directory: string, { ports, secrets }: StartContext, user?: WorkerUser): void {
  const files = renderDoor({
    user: user && `${user.name} ${user.group}`,
    listen: [`127.0.0.1:${ports.nginx}`, ...(hasIpv6Loopback() ? [`[::1]:${ports.nginx}`] : [])],
    page: 'web',
    requestsLog,
    deliveriesLog,
    authorizer: `127.0.0.1:${ports.authorizer}`,
    origins: {
      functions: new URL(`http://127.0.0.1:${ports.http}`),
      live: new URL(`http://127.0.0.1:${ports.websocket}/live`),
      objects: new URL(`http://127.0.0.1:${ports.s3}`),
      resolvers: [],
      authorities: [],
    },
    doorSecret: secrets.doorSecret,
    environment: process.env,
  });
  for (const [name, text] of files) writeFileAtomic(join(directory, name), text);
}

interface WorkerUser extends Owner {
  name: string;
  group: string;
}

/**
 * Returns the user of NGINX's workers if root starts it: the owner of the home, or `nobody` if the home is root's.
 * Undefined if another user starts it, who cannot change users.
 */
async function workerUser({ home, environment: env, signal }: StartContext) {
  if (process.getuid?.() !== 0) return undefined;
  const { uid } = statSync(home.path);
  const id = async (...args: string[]): Promise<string> =>
    (
      await run({
        what: `finding the user ${args.at(-1)}`,
        command: 'id',
        args,
        env,
        cwd: '/',
        seconds: 180,
        signal,
      })
    ).trim();
  const who = uid === 0 ? 'nobody' : String(uid);
  return {
    uid: Number(await id('-u', who)),
    gid: Number(await id('-g', who)),
    name: await id('-un', who),
    group: await id('-gn', who),
  };
}

/** Gives the directory to the workers. No other user may read its files, even if the home is open. */
function restrictAccess(directory: string, user: WorkerUser | undefined): void {
  const giveToWorkers = (path: string, mode?: number): void => {
    if (user) lchownSync(path, user.uid, user.gid);
    if (mode !== undefined) chmodSync(path, mode);
  };
  giveToWorkers(directory, 0o700);
  for (const { name } of accessLogs) {
    const log = join(directory, name);
    closeSync(openSync(log, 'a', 0o600));
    giveToWorkers(log, 0o600);
  }
  for (const name of ['web', 'cache'].filter((entry) => existsSync(join(directory, entry)))) {
    const top = join(directory, name);
    const entries = readdirSync(top, { recursive: true, withFileTypes: true });
    for (const entry of entries)
      giveToWorkers(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o700 : 0o600);
    giveToWorkers(top, 0o700);
  }
}

/** Waits until the API answers through NGINX, as clients call it. */
export async function checkOrigin(url: string, signal: AbortSignal): Promise<void> {
  await waitFor(`${url}/api/v1/health was not healthy`, { seconds: 90, signal }, () =>
    assertHealthy(url),
  );
}
