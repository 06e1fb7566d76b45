import { readStack } from './stack.ts';

/** Stops processes of the stack, by name, until the returned function lets them go on. Throws without such a process. */
export async function freeze(name: RegExp): Promise<() => void> {
  const { processes } = await readStack();
  const pids = processes.flatMap((each) => (name.test(each.name) ? [each.pid] : []));
  if (pids.length === 0) throw new Error(`the stack has no process ${name.source}`);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  return () => {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  };
}

/** Returns the process id of a part of the stack. Throws without such a process. */
export async function pidOf(name: string): Promise<number> {
  const found = (await readStack()).processes.find((process) => process.name === name);
  if (!found) throw new Error(`the stack has no process ${name}`);
  return found.pid;
}
