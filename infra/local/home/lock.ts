/** The lock of a home, which has at most one supervisor. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '../../../lib/runtime/retry.ts';
import { type Lock, tryLock } from '../../bootstrap/pid-lock.mjs';
import { StackError } from '../errors.ts';
import type { Home } from './home.ts';

// A supervisor whose npm was killed notices within 0.25 s and stops.
const graceSeconds = 2;
const stoppingTimeoutSeconds = 90;

/**
 * Acquires the lock of the home. Waits up to 90 s for a supervisor that is stopping. Throws a StackError if one keeps
 * running.
 */
export async function acquireHomeLock(
  home: Home,
  report: (text: string) => void,
  signal?: AbortSignal,
): Promise<Lock> {
  const startedAt = performance.now();
  let reported = false;
  for (;;) {
    signal?.throwIfAborted();
    const attempt = tryLock(home.lock);
    if (attempt.release) {
      rmSync(stoppingFile(home), { force: true });
      return attempt;
    }
    const stopping = isStopping(home, attempt.holder);
    if (stopping && !reported) report(`waiting for process ${attempt.holder} to stop`);
    reported ||= stopping;
    if (performance.now() - startedAt > (stopping ? stoppingTimeoutSeconds : graceSeconds) * 1000) {
      throw new StackError(
        [
          `A stack is running in ${home.path} (process ${attempt.holder}).`,
          `Stop it with Ctrl-C there or with kill ${attempt.holder}, or run a second stack: STREAMSYNC_HOME=another-directory npm start`,
        ].join('\n'),
      );
    }
    await sleep(100, signal);
  }
}

/** Lets the next start wait for this supervisor. */
export function markStopping(home: Home): void {
  writeFileSync(stoppingFile(home), String(process.pid), { mode: 0o600 });
}

function isStopping(home: Home, holder: number): boolean {
  try {
    return Number(readFileSync(stoppingFile(home), 'utf8')) === holder;
  } catch {
    return false;
  }
}

function stoppingFile(home: Home): string {
  return join(home.lock, 'stopping');
}
