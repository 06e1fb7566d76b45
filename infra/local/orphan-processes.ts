/**
 * Finds and ends processes of a stack whose supervisor has ended (kill -9, out of memory): before every start, and
 * after every stop as a final check.
 *
 * A process belongs to the stack if its environment has the marker with this home. PostgreSQL and NGINX overwrite
 * their environment with their titles; they are recognised by name and by their working directory inside the home.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import { sleep } from '../../lib/runtime/retry.ts';
import { processIdentity } from '../bootstrap/pid-lock.mjs';
import type { Home } from './home/home.ts';
import { stackEnvMarker } from './processes.ts';

const serviceStopSeconds = 10;
const postgresStopSeconds = 20;

interface OrphanProcess {
  pid: number;
  identity: string;
}

/** Ends them, first gracefully and the database last. Returns how many there were. */
export async function killOrphans(home: Home): Promise<number> {
  const orphans = findProcesses(home);
  const database = orphans.filter((process) =>
    isInside(home.postgres, workingDirectory(process.pid)),
  );
  await end(
    orphans.filter((process) => !database.includes(process)),
    'SIGTERM',
    serviceStopSeconds,
  );

  // Only the postmaster gets the signal; it ends its own processes. SIGINT is a fast shutdown: clients are disconnected.
  const postmaster = database.find((process) => process.pid === postmasterPid(home));
  if (postmaster) await end([postmaster], 'SIGINT', postgresStopSeconds);
  await end(database, 'SIGKILL', postgresStopSeconds);
  // PostgreSQL does not start while any process has the pid in this file. We hold the lock of the home and its
  // processes have ended, so the file is stale.
  if (process.platform === 'linux' && !database.some(isRunning))
    rmSync(join(home.postgres, 'postmaster.pid'), { force: true });
  return orphans.length;
}

function findProcesses(home: Home): OrphanProcess[] {
  const own = ancestors();
  return listStack(home)
    .filter((pid) => !own.has(pid))
    .flatMap((pid) => {
      const identity = processIdentity(pid);
      return identity === undefined ? [] : [{ pid, identity }];
    });
}

async function end(
  processes: readonly OrphanProcess[],
  signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL',
  seconds: number,
): Promise<void> {
  for (const process of processes) send(process, signal);
  const deadline = performance.now() + seconds * 1000;
  while (processes.some(isRunning) && performance.now() < deadline) {
    await sleep(50);
  }
  const remaining = processes.filter(isRunning);
  if (remaining.length > 0 && signal !== 'SIGKILL') await end(remaining, 'SIGKILL', seconds);
}

function isRunning(process: OrphanProcess): boolean {
  return processIdentity(process.pid) === process.identity;
}

function send(orphan: OrphanProcess, signal: NodeJS.Signals): void {
  if (!isRunning(orphan)) return;
  try {
    process.kill(orphan.pid, signal);
  } catch {
    // It ended meanwhile, or belongs to another user: then the start fails on what it holds, such as a port.
  }
}

function listStack(home: Home): number[] {
  if (process.platform !== 'linux') return listByPs(home);
  const marker = `${stackEnvMarker}=${home.path}`;
  return readdirSync('/proc')
    .map(Number)
    .filter(
      (pid) =>
        Number.isInteger(pid) &&
        (read(`/proc/${pid}/environ`).split('\0').includes(marker) ||
          (['nginx', 'postgres'].includes(read(`/proc/${pid}/comm`).trim()) &&
            isInside(home.path, workingDirectory(pid)))),
    );
}

/** Without /proc: ps prints the environment after the command line; NGINX's workers are found by their parent. */
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
  const markers = [`${stackEnvMarker}=${home.path} `, `${home.nginx}${sep}`, `${home.postgres} `];
  const ours = new Set(
    rows
      .filter(({ command }) => markers.some((marker) => `${command} `.includes(marker)))
      .map(({ pid }) => pid),
  );
  for (const { pid, parent } of rows) if (ours.has(parent)) ours.add(pid);
  return [...ours];
}

/** Returns our own pid and those of npm and the shell above us: a marker in their environment does not count. */
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

/** Returns '' if the file does not exist or belongs to another user. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
