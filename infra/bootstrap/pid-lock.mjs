// A lock between processes that survives any of them being killed, with nothing but built-ins: the bootstrap
// takes it before node_modules exists.
//
// The lock is a directory of numbered claims. The highest number holds it: while its process lives and has not
// released it, everybody else waits. Whoever finds the highest claim dead or released links the next number,
// which only one process can do, and then holds the lock if its number is still the highest (a slow process
// may have linked a number that was cleaned up meanwhile). Numbers only grow, so there is no moment at which
// removing a stale lock could remove a live one.
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

const RELEASED = 'released';

/**
 * What tells a process from a later one with the same number: when it started, on which boot.
 * undefined = no such process (a zombie counts as gone: it holds nothing any more).
 */
export function processIdentity(pid) {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The name in parentheses may hold spaces; state is the first field after it, start time the twentieth.
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

/** Takes the lock at once, or says who has it. → { release } or { holder: pid } */
export function tryLock(directory) {
  // The mode is for the lock alone: what lies beside it may be for the owner of another home to read, as .parts is.
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

/** Waits for the lock; onWait is told once whom it waits for. signal ends the waiting. → { release } */
export async function lock(directory, { onWait, signal } = {}) {
  let told = false;
  for (;;) {
    signal?.throwIfAborted();
    const result = tryLock(directory);
    if (result.release) return result;
    if (!told) onWait?.(result.holder);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function highestClaim(directory) {
  return Math.max(0, ...readdirSync(directory).map(Number).filter(Number.isInteger));
}

/** The content must be there the moment the name is: a file of another name, linked. */
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
    if (error.code === 'ENOENT') return undefined; // overtaken: the caller looks again
    throw error;
  }
  if (content === RELEASED) return undefined;
  const [pid, identity] = content.split('\n');
  return processIdentity(Number(pid)) === identity ? Number(pid) : undefined;
}

/** Not by removing the claim: the next number must be higher than any there ever was. */
function release(directory, number) {
  const draft = join(directory, `draft-${process.pid}-${number}`);
  writeFileSync(draft, RELEASED, { mode: 0o600 });
  renameSync(draft, join(directory, String(number)));
}
