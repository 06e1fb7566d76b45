/** One supervisor a home: who has it, and what the next one that comes along is told. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StackError } from './errors.ts';
import type { Home } from './home.ts';
import { type Lock, tryLock } from './lock.mjs';

// A supervisor whose npm was just killed notices within a quarter of a second and stops by itself.
const GRACE_SECONDS = 2;
const STOPPING_SECONDS = 90;

/**
 * Takes the home. Waits for a supervisor that is stopping.
 * @throws StackError when one is running, and goes on running.
 */
export async function holdHome(
  home: Home,
  report: (text: string) => void,
  signal?: AbortSignal,
): Promise<Lock> {
  const begun = performance.now();
  let told = false;
  for (;;) {
    signal?.throwIfAborted();
    const attempt = tryLock(home.lock);
    if (attempt.release) {
      rmSync(stoppingFile(home), { force: true });
      return attempt;
    }
    const stopping = isStopping(home, attempt.holder);
    if (stopping && !told) report(`waiting for process ${attempt.holder} to stop`);
    told ||= stopping;
    if (performance.now() - begun > (stopping ? STOPPING_SECONDS : GRACE_SECONDS) * 1000) {
      throw new StackError(
        [
          `A stack is running in ${home.path} (process ${attempt.holder}).`,
          `Stop it with Ctrl-C there or with kill ${attempt.holder}; or run a second one beside it: STREAMSYNC_HOME=another-directory npm start`,
        ].join('\n'),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Tells the next one that waiting is worth while. */
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
