/** Installs packages on Debian and Ubuntu as root. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { errorMessage } from '../../../lib/runtime/errors.ts';
import { sleep } from '../../../lib/runtime/retry.ts';
import { type Lock, lock } from '../../bootstrap/pid-lock.mjs';
import { run } from '../processes.ts';

const aptGet = '/usr/bin/apt-get';
const policyFile = '/usr/sbin/policy-rc.d';
const updateTimeoutSeconds = 300;
const installTimeoutSeconds = 900;
/** All clones of a machine share its apt. */
const aptLock = '/run/lock/streamsync-apt';
/** How long an apt that StreamSync has not started may hold the lists of packages. */
const foreignAptMs = 120_000;

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

/** Waits until no other process of StreamSync on this machine installs packages: apt itself would fail at once. */
export const lockApt = ({ signal, report }: ToolContext): Promise<Lock> =>
  lock(aptLock, {
    signal,
    onWait: (pid) => report(`process ${pid} is installing packages, waiting`),
  });

/** Installs all packages in one call; the caller holds the lock of `lockApt`. Throws a StackError with the end of apt's output. */
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
      // Another apt may be running on a machine that has just booted: wait for its lock on the installed packages.
      args: ['-q', '-y', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Dpkg::Use-Pty=0', ...args],
      env: { ...context.environment, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
      cwd: '/',
      seconds,
      signal: context.signal,
    });
  };
  await retryWhileLocked(context.signal, () =>
    apt('apt-get update', updateTimeoutSeconds, ['update']),
  );
  await withoutStartingServices(() =>
    apt('apt-get install', installTimeoutSeconds, ['install', '--no-install-recommends', ...names]),
  );
  context.report('installed');
}

/** Repeats `update` while another apt holds the lists of packages: apt waits for its other locks, not for this one. */
async function retryWhileLocked(signal: AbortSignal, update: () => Promise<void>): Promise<void> {
  const end = performance.now() + foreignAptMs;
  for (;;) {
    try {
      return await update();
    } catch (error) {
      if (!errorMessage(error).includes('Could not get lock') || performance.now() > end)
        throw error;
      await sleep(1_000, signal);
    }
  }
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
