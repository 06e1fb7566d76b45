/** NGINX, the one origin, from the system's package, with a configuration rendered for this stack. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPO } from '../home.ts';
import { hasIpv6Loopback, requireFree } from '../ports.ts';
import { run, waitFor } from '../processes.ts';
import { renderTemplate } from '../template.ts';
import { firstFitting, type Tool } from '../tools.ts';
import { START_SECONDS, type StartContext } from './context.ts';
import { requireHealth } from './health.ts';

const TEMPLATE = join(REPO, 'infra/nginx/nginx.conf.template');
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

export async function startNginx(
  program: string,
  webRoot: string,
  context: StartContext,
): Promise<void> {
  const { home, ports, signal, environment, report } = context;
  const config = join(home.nginx, 'nginx.conf');
  mkdirSync(home.nginx, { recursive: true, mode: 0o700 });
  writeFileSync(
    config,
    renderTemplate(readFileSync(TEMPLATE, 'utf8'), {
      port: ports.nginx,
      functions: `127.0.0.1:${ports.http}`,
      live: `127.0.0.1:${ports.websocket}`,
      s3: `127.0.0.1:${ports.s3}`,
      doorSecret: context.secrets.doorSecret,
      webRoot,
      run: home.nginx,
      ipv6Listen: hasIpv6Loopback() ? `listen [::1]:${ports.nginx};` : '',
    }),
    { mode: 0o600 },
  );
  const args = ['-p', home.nginx, '-c', config];
  // Its working directory is how a later start recognises it: it writes its title over its environment.
  const place = { env: environment, cwd: home.nginx };
  await run({
    what: `checking ${config}`,
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
  });
  await waitFor('nginx does not answer', { seconds: START_SECONDS, signal }, async () => {
    await fetch(`http://127.0.0.1:${ports.nginx}/`, { signal: AbortSignal.timeout(2000) });
    return true;
  });
  report('nginx', `ready on port ${ports.nginx}`);
}

/** The whole way, as a client goes it. */
export async function checkOrigin(url: string, signal: AbortSignal): Promise<void> {
  await waitFor(`${url}/api/v1/health is not well`, { seconds: 60, signal }, () =>
    requireHealth(url),
  );
}
