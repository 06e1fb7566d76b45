/** Installs packages on Debian and Ubuntu as root. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { run } from '../processes.ts';

const aptGet = '/usr/bin/apt-get';
const policyFile = '/usr/sbin/policy-rc.d';
const updateTimeoutSeconds = 300;
const installTimeoutSeconds = 900;

/** What finding and installing a tool needs. */
export interface ToolContext {
  environment: NodeJS.ProcessEnv;
  cwd: string;
  signal: AbortSignal;
  report: (text: string) => void;
}

export function canUseApt(): boolean {
  return process.getuid?.() === 0 && existsSync(aptGet) && existsSync('/etc/debian_version');
}

/** Installs all packages in one call. Throws a StackError with the end of apt's output. */
export async function installWithApt(
  packages: readonly string[],
  context: ToolContext,
): Promise<void> {
  const names = [...new Set(packages)];
  context.report(`installing ${names.join(' ')} (apt-get)`);
  const apt = async (what: string, seconds: number, args: readonly string[]): Promise<void> => {
    await run({
      what,
      command: aptGet,
      // Another apt may be running on a machine that has just booted: wait for its lock.
      args: ['-q', '-y', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Dpkg::Use-Pty=0', ...args],
      env: { ...context.environment, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
      cwd: '/',
      seconds,
      signal: context.signal,
    });
  };
  await apt('apt-get update', updateTimeoutSeconds, ['update']);
  await withoutStartingServices(() =>
    apt('apt-get install', installTimeoutSeconds, ['install', '--no-install-recommends', ...names]),
  );
  context.report('installed');
}

/**
 * The nginx package starts a server on port 80 when it is installed, and at every boot. Debian calls this policy before
 * it starts a service (101 = do not start); the boot link of systemd is removed.
 */
async function withoutStartingServices(install: () => Promise<void>): Promise<void> {
  const hadNginx = existsSync('/usr/sbin/nginx');
  const isOurPolicy = !existsSync(policyFile);
  if (isOurPolicy) writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const remove = (): void => {
    if (isOurPolicy) rmSync(policyFile, { force: true });
  };
  process.once('exit', remove);
  try {
    await install();
  } finally {
    remove();
    process.removeListener('exit', remove);
    // The effect of `systemctl disable nginx`, also on machines without systemd.
    if (!hadNginx)
      rmSync('/etc/systemd/system/multi-user.target.wants/nginx.service', { force: true });
  }
}
