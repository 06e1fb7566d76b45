import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { promisify } from 'node:util';
import { descendantsOf } from '../support/processes.ts';
import { readStack } from '../support/stack.ts';
import { pidOf } from '../support/stack-processes.ts';

/** Returns how busy the machine is: without it no figure of a bench can be judged. */
export function machineLoad(): string {
  const loads = loadavg().map((load) => load.toFixed(1));
  return `load average ${loads.join(' ')} on ${availableParallelism()} cores`;
}

/** Where user and system time are in /proc/PID/stat after the name, and those of ended children after them. */
const ownFields = [11, 12];
const withChildren = [11, 12, 13, 14];

/** Returns seconds of CPU of all threads of a process, in hundredths; 0 if it has ended. */
async function cpuSecondsOf(pid: number, fields: readonly number[]): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const values = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.reduce((sum, field) => sum + Number(values[field] ?? 0), 0) / 100;
}

const sumOf = (seconds: readonly number[]): number => seconds.reduce((sum, each) => sum + each, 0);

/** Returns the seconds of CPU that the processes of the stack with these names have used. */
export async function cpuSecondsOfStack(named: RegExp): Promise<number> {
  const { processes } = await readStack();
  const all = processes.filter(({ name }) => named.test(name));
  return sumOf(await Promise.all(all.map(({ pid }) => cpuSecondsOf(pid, ownFields))));
}

/** Returns the seconds of CPU that a part of the stack and its descendants have used, those that have ended too. */
export async function cpuSecondsOfTree(name: string): Promise<number> {
  const family = await descendantsOf(await pidOf(name));
  return sumOf(await Promise.all(family.map((pid) => cpuSecondsOf(pid, withChildren))));
}

/** Runs some work while the whole stack has only these cores, as taskset names them. */
export async function onCores<T>(cores: string, work: () => Promise<T>): Promise<T> {
  const family = await descendantsOf((await readStack()).pid);
  const set = async (list: string): Promise<void> => {
    // A process may have ended since.
    for (const pid of family)
      await promisify(execFile)('taskset', ['-acp', list, String(pid)]).catch(() => {});
  };
  await set(cores);
  try {
    return await work();
  } finally {
    await set(`0-${availableParallelism() - 1}`);
  }
}
