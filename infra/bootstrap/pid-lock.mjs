// A lock between processes that stays correct if any of them is killed. It uses built-in modules only, because the
// bootstrap acquires it before node_modules exists.
//
// The lock is a directory of numbered claims. The process of the highest number holds the lock until it releases it or
// ends. A process that finds the highest claim released, or its process ended, links the next number, which only one
// process can do. It then holds the lock if its number is still the highest: a slow process may have linked a number
// that was deleted meanwhile. Numbers only grow, so removing a stale claim can never remove a live one.
import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const releasedMarker = 'released';

/**
 * Returns a text that distinguishes a process from a later one with the same number: its boot and start time. Undefined
 * if the process does not exist or is a zombie, which holds no resources.
 */
export function processIdentity(pid) {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The name in parentheses may contain spaces; the state is the first field after it, the start time the twentieth.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
      return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19]}`;
    } catch {
      return undefined;
    }
  }
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [state = '', ...start] = line.trim().split(/\s+/);
    return state === '' || state.startsWith('Z') ? undefined : start.join(' ');
  } catch {
    return undefined;
  }
}

/** Returns `{ release }` if the lock is acquired, else `{ holder }`, the pid of the process that holds it. */
export function tryLock(directory) {
  // Only the lock itself is private: other users may read its parent directory, such as .parts.
  mkdirSync(dirname(directory), { recursive: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (;;) {
    const highest = highestClaim(directory);
    const holder = highest === 0 ? undefined : livingHolder(join(directory, String(highest)));
    if (holder !== undefined) return { holder };
    const mine = highest + 1;
    if (!claim(directory, mine)) continue;
    if (highestClaim(directory) !== mine) {
      rmSync(join(directory, String(mine)), { force: true });
      continue;
    }
    for (const name of readdirSync(directory)) {
      if (Number(name) < mine) rmSync(join(directory, name), { force: true });
    }
    return { release: () => release(directory, mine) };
  }
}

/** Waits for the lock and returns `{ release }`. Calls `onWait` once with the pid of the holder; `signal` ends the wait. */
export async function lock(directory, { onWait, signal } = {}) {
  let reported = false;
  for (;;) {
    signal?.throwIfAborted();
    const result = tryLock(directory);
    if (result.release) return result;
    if (!reported) onWait?.(result.holder);
    reported = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function highestClaim(directory) {
  return Math.max(0, ...readdirSync(directory).map(Number).filter(Number.isInteger));
}

/** Links a complete draft file: the claim must have its content as soon as it has its name. */
function claim(directory, number) {
  const draft = join(directory, `draft-${process.pid}-${number}`);
  writeFileSync(draft, `${process.pid}\n${processIdentity(process.pid)}\n`, { mode: 0o600 });
  try {
    linkSync(draft, join(directory, String(number)));
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function livingHolder(path) {
  let content;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined; // deleted meanwhile: the caller checks again
    throw error;
  }
  if (content === releasedMarker) return undefined;
  const [pid, identity] = content.split('\n');
  return processIdentity(Number(pid)) === identity ? Number(pid) : undefined;
}

/** Marks the claim as released. It is not deleted: the next number must be higher than all before it. */
function release(directory, number) {
  const draft = join(directory, `draft-${process.pid}-${number}`);
  writeFileSync(draft, releasedMarker, { mode: 0o600 });
  renameSync(draft, join(directory, String(number)));
}
