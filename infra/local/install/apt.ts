/** Installing packages on Debian and Ubuntu, as root only. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { run } from './processes.ts';

const APT = '/usr/bin/apt-get';
const POLICY = '/usr/sbin/policy-rc.d';
const UPDATE_SECONDS = 300;
const INSTALL_SECONDS = 900;

/** Where and how system parts are looked for and installed. */
export interface ToolContext {
  environment: NodeJS.ProcessEnv;
  cwd: string;
  signal: AbortSignal;
  report: (text: string) => void;
}

export function mayUseApt(): boolean {
  return process.getuid?.() === 0 && existsSync(APT) && existsSync('/etc/debian_version');
}

/** One call for all packages. @throws StackError with the end of apt's output. */
export async function installWithApt(
  packages: readonly string[],
  context: ToolContext,
): Promise<void> {
  const names = [...new Set(packages)];
  context.report(`installing ${names.join(' ')} (apt-get)`);
  const apt = async (what: string, seconds: number, args: readonly string[]): Promise<void> => {
    await run({
      what,
      command: APT,
      // Another apt may be at work, in a machine that has just booted: wait for its lock.
      args: ['-q', '-y', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Dpkg::Use-Pty=0', ...args],
      env: { ...context.environment, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
      cwd: '/',
      seconds,
      signal: context.signal,
    });
  };
  await apt('apt-get update', UPDATE_SECONDS, ['update']);
  await withoutStartingServices(() =>
    apt('apt-get install', INSTALL_SECONDS, ['install', '--no-install-recommends', ...names]),
  );
  context.report('installed');
}

/**
 * The nginx package starts a server on port 80 as soon as it is unpacked, and at every boot. Debian asks this
 * policy before it starts a service (101 = do not); systemd is told not to at boot.
 */
async function withoutStartingServices(install: () => Promise<void>): Promise<void> {
  const hadNginx = existsSync('/usr/sbin/nginx');
  const ours = !existsSync(POLICY);
  if (ours) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const remove = (): void => {
    if (ours) rmSync(POLICY, { force: true });
  };
  process.once('exit', remove);
  try {
    await install();
  } finally {
    remove();
    process.removeListener('exit', remove);
    // What `systemctl disable nginx` does, where there is no systemd to talk to as well.
    if (!hadNginx)
      rmSync('/etc/systemd/system/multi-user.target.wants/nginx.service', { force: true });
  }
}
