/** NGINX, the one origin, from the system's package, with a configuration rendered for this stack. */
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  lchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { sizes } from '../../../lib/contracts/sizes.ts';
import { readLimits } from '../../nginx/limits.ts';
import { problemsConf } from '../../nginx/problems.ts';
import { replaceFile } from '../files.ts';
import { REPO } from '../home.ts';
import { hasIpv6Loopback, requireFree } from '../ports.ts';
import { type Owner, run, waitFor } from '../processes.ts';
import { withoutAddresses } from '../redact.ts';
import { renderTemplates } from '../template.ts';
import { firstFitting, type Tool } from '../tools.ts';
import { START_SECONDS, type StartContext } from './context.ts';
import { requireHealth } from './health.ts';

const TEMPLATES = join(REPO, 'infra/nginx');
const CONFIG = 'nginx.conf';
const MODULES = ['--with-http_auth_request_module', '--with-http_slice_module'];
const STOP_SECONDS = 5;

export const nginx: Tool = {
  what: 'NGINX with the modules auth_request and slice',
  apt: ['nginx'],
  brew: ['nginx'],
  find: (look) =>
    firstFitting(
      look,
      [
        'nginx',
        '/usr/sbin/nginx',
        '/usr/local/sbin/nginx',
        '/opt/homebrew/bin/nginx',
        '/usr/local/bin/nginx',
      ],
      ['-V'],
      (answer) => MODULES.every((module) => answer.includes(module)),
    ),
};

/**
 * Renders the configuration into the directory of NGINX, and starts it there. All paths in it are relative to that
 * directory: workers that do not run as root need not be able to enter what lies above it.
 */
export async function startNginx(
  program: string,
  webRoot: string,
  context: StartContext,
): Promise<void> {
  const { home, ports, signal, environment, report } = context;
  const user = await workerUser(context);
  mkdirSync(home.nginx, { recursive: true, mode: 0o700 });
  // Left by a start that was killed: an address that exists cannot be listened on.
  rmSync(join(home.nginx, 'origin.sock'), { force: true });
  render(home.nginx, context, user);
  rmSync(join(home.nginx, 'web'), { recursive: true, force: true });
  cpSync(webRoot, join(home.nginx, 'web'), { recursive: true });
  protect(home.nginx, user);
  const args = ['-p', './', '-c', CONFIG];
  // Its working directory is also how a later start recognises it: it writes its title over its environment.
  const place = { env: environment, cwd: home.nginx };
  await run({
    what: `checking ${join(home.nginx, CONFIG)}`,
    command: program,
    args: ['-t', ...args],
    ...place,
    isPrivate: true,
    seconds: 60,
    signal,
  });
  // Minutes may have passed since the port was chosen, on a first start.
  await requireFree(ports.nginx);
  await context.start({
    name: 'nginx',
    command: program,
    args,
    ...place,
    stopSeconds: STOP_SECONDS,
    outputFilter: withoutAddresses,
  });
  await waitFor('nginx does not answer', { seconds: START_SECONDS, signal }, async () => {
    await fetch(`http://127.0.0.1:${ports.nginx}/`, { signal: AbortSignal.timeout(2000) });
    return true;
  });
  report('nginx', `ready on port ${ports.nginx}`);
}

function render(directory: string, { ports, secrets }: StartContext, user?: WorkerUser): void {
  const names = readdirSync(TEMPLATES).filter((name) => name.endsWith('.template'));
  const rendered = renderTemplates(
    names.map((name) => readFileSync(join(TEMPLATES, name), 'utf8')),
    {
      user: user ? `user ${user.name} ${user.group};` : '',
      port: ports.nginx,
      ipv6Listen: hasIpv6Loopback() ? `listen [::1]:${ports.nginx};` : '',
      functions: `127.0.0.1:${ports.http}`,
      live: `127.0.0.1:${ports.websocket}`,
      s3: `127.0.0.1:${ports.s3}`,
      s3Scheme: 'http',
      doorSecret: secrets.doorSecret,
      requestBytes: sizes.requestBytes,
      signInBytes: sizes.signInBytes,
      ...readLimits(process.env),
    },
  );
  for (const [n, name] of names.entries())
    replaceFile(join(directory, name.replace(/\.template$/, '')), rendered[n] ?? '');
  replaceFile(join(directory, 'problems.conf'), problemsConf());
}

interface WorkerUser extends Owner {
  name: string;
  group: string;
}

/**
 * Returns as whom the workers of an NGINX run that root starts: the owner of the home, or nobody where that is root
 * itself. Undefined where somebody else starts it, who cannot change it.
 */
async function workerUser({ home, environment: env, signal }: StartContext) {
  if (process.getuid?.() !== 0) return undefined;
  const { uid } = statSync(home.path);
  const id = async (...args: string[]): Promise<string> =>
    (
      await run({
        what: `looking for the user ${args.at(-1)}`,
        command: 'id',
        args,
        env,
        cwd: '/',
        seconds: 60,
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

/** The directory is the workers'; what is in it is read by nobody else, even where the home may be entered. */
function protect(directory: string, user: WorkerUser | undefined): void {
  const requests = join(directory, 'requests.log');
  closeSync(openSync(requests, 'a', 0o600));
  const own = (path: string, mode?: number): void => {
    if (user) lchownSync(path, user.uid, user.gid);
    if (mode !== undefined) chmodSync(path, mode);
  };
  own(directory, 0o700);
  own(requests, 0o600);
  for (const name of ['web', 'cache'].filter((entry) => existsSync(join(directory, entry)))) {
    const top = join(directory, name);
    const entries = readdirSync(top, { recursive: true, withFileTypes: true });
    for (const entry of entries)
      own(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o700 : 0o600);
    own(top, 0o700);
  }
}

/** The whole way, as a client goes it. */
export async function checkOrigin(url: string, signal: AbortSignal): Promise<void> {
  await waitFor(`${url}/api/v1/health is not well`, { seconds: 60, signal }, () =>
    requireHealth(url),
  );
}
