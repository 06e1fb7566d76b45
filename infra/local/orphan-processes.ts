/**
 * Processes of a stack whose supervisor is gone (kill -9, out of memory): found and ended before the next start,
 * and after every stop as a last look.
 *
 * A process belongs to the stack when its environment carries the mark with this home. PostgreSQL and NGINX write
 * their titles over their environment; they are known by name and by their working directory inside the home.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { Home } from './home.ts';
import { processIdentity } from './lock.mjs';
import { STACK_MARK } from './processes.ts';

const PARTS_SECONDS = 10;
const POSTGRES_SECONDS = 20;

interface Found {
  pid: number;
  identity: string;
}

/** Ends them gracefully first, the database last. → how many there were. */
export async function endLeftovers(home: Home): Promise<number> {
  const found = findProcesses(home);
  const database = found.filter((process) =>
    isInside(home.postgres, workingDirectory(process.pid)),
  );
  await end(
    found.filter((process) => !database.includes(process)),
    'SIGTERM',
    PARTS_SECONDS,
  );

  // The postmaster alone: it ends its processes itself (SIGINT: a fast shutdown, which disconnects everybody).
  const postmaster = database.find((process) => process.pid === postmasterPid(home));
  if (postmaster) await end([postmaster], 'SIGINT', POSTGRES_SECONDS);
  await end(database, 'SIGKILL', POSTGRES_SECONDS);
  // PostgreSQL refuses to start while a process has the number in this file, whatever that process is by now.
  // Nobody else may use the home (its lock is ours), so with its processes gone the file says nothing.
  if (process.platform === 'linux' && !database.some(lives))
    rmSync(join(home.postgres, 'postmaster.pid'), { force: true });
  return found.length;
}

function findProcesses(home: Home): Found[] {
  const own = ancestors();
  return listStack(home)
    .filter((pid) => !own.has(pid))
    .flatMap((pid) => {
      const identity = processIdentity(pid);
      return identity === undefined ? [] : [{ pid, identity }];
    });
}

async function end(
  processes: readonly Found[],
  signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL',
  seconds: number,
): Promise<void> {
  for (const process of processes) send(process, signal);
  const deadline = performance.now() + seconds * 1000;
  while (processes.some(lives) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const stubborn = processes.filter(lives);
  if (stubborn.length > 0 && signal !== 'SIGKILL') await end(stubborn, 'SIGKILL', seconds);
}

function lives(process: Found): boolean {
  return processIdentity(process.pid) === process.identity;
}

function send(found: Found, signal: NodeJS.Signals): void {
  if (!lives(found)) return;
  try {
    process.kill(found.pid, signal);
  } catch {
    // Ended in between, or not ours to end: then whatever it holds says so at the start.
  }
}

function listStack(home: Home): number[] {
  if (process.platform !== 'linux') return listByPs(home);
  const mark = `${STACK_MARK}=${home.path}`;
  return readdirSync('/proc')
    .map(Number)
    .filter(
      (pid) =>
        Number.isInteger(pid) &&
        (read(`/proc/${pid}/environ`).split('\0').includes(mark) ||
          (['nginx', 'postgres'].includes(read(`/proc/${pid}/comm`).trim()) &&
            isInside(home.path, workingDirectory(pid)))),
    );
}

/** Where there is no /proc: ps shows the environment behind the command line; NGINX's workers by their parent. */
function listByPs(home: Home): number[] {
  const rows = execFileSync('ps', ['eww', '-axo', 'pid=,ppid=,command='], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
    .split('\n')
    .flatMap((line) => {
      const [, pid, parent, command = ''] = /^\s*(\d+)\s+(\d+)\s(.*)$/.exec(line) ?? [];
      return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
    });
  const marks = [`${STACK_MARK}=${home.path} `, `${home.nginx}${sep}`, `${home.postgres} `];
  const ours = new Set(
    rows
      .filter(({ command }) => marks.some((mark) => `${command} `.includes(mark)))
      .map(({ pid }) => pid),
  );
  for (const { pid, parent } of rows) if (ours.has(parent)) ours.add(pid);
  return [...ours];
}

/** Ourselves, npm above us, the shell above that: a mark they inherited from somewhere does not count. */
function ancestors(): Set<number> {
  const own = new Set<number>();
  for (let pid = process.pid; pid > 1 && !own.has(pid); pid = parentOf(pid)) own.add(pid);
  return own;
}

function parentOf(pid: number): number {
  if (process.platform === 'linux')
    return Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
  try {
    return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }));
  } catch {
    return 0;
  }
}

function postmasterPid(home: Home): number {
  return Number(read(join(home.postgres, 'postmaster.pid')).split('\n')[0]);
}

function workingDirectory(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

function isInside(directory: string, path: string): boolean {
  return path === directory || path.startsWith(directory + sep);
}

/** → '' for what is gone or another user's. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
