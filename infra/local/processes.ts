/**
 * Processes of the stack: services that run until they are stopped, commands that run to their end, and waiting
 * for a condition. Everything has a deadline, and everything gives up when `signal` is aborted.
 *
 * Each process leads a group of its own (detached): Ctrl-C reaches the supervisor only, which stops the parts in
 * their order, and a part that does not stop is killed with all it started.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { messageOf, StackError } from './errors.ts';

/** Set in every process of a stack to the absolute path of its home: how the next start finds what was left behind. */
export const STACK_MARK = 'STREAMSYNC_STACK';

/** What a part writes is nobody else's to read: requests with their filters, addresses, objects. */
const PRIVATE = 0o077;
const TAIL_LINES = 20;
const KILLED_SECONDS = 5;

export interface Owner {
  uid: number;
  gid: number;
}

export interface ServiceSpec {
  name: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  logs: string;
  stopSignal?: 'SIGTERM' | 'SIGINT';
  /** How long it may take to stop before it is killed. */
  stopSeconds: number;
  owner?: Owner | undefined;
  /** What is to stand in the log instead of each line that it writes: for one that writes down secrets. */
  outputFilter?: (line: string) => string;
  /** Open files that the child has as 3, 4, …: what its user could not open itself. */
  inherits?: readonly number[];
  /** With it the child gets an IPC channel. */
  onMessage?: (message: unknown) => void;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Service {
  readonly name: string;
  readonly pid: number;
  readonly log: string;
  readonly exited: Promise<Exit>;
  stop(): Promise<void>;
}

export async function startService(spec: ServiceSpec): Promise<Service> {
  const log = join(spec.logs, `${spec.name}.log`);
  // Straight into the file, not through us: the parts outlive a killed supervisor for a while. Not so with a filter:
  // what is written behind the end of the supervisor is lost.
  const output = openFreshLog(log);
  const target = spec.outputFilter ? 'pipe' : output;
  const stdio: StdioOptions = ['ignore', target, target, ...(spec.inherits ?? [])];
  if (spec.onMessage) stdio.push('ipc');
  const child = withUmask(PRIVATE, () =>
    spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      stdio,
      detached: true,
      ...spec.owner,
    }),
  );
  if (spec.outputFilter) keepFiltered(child, output, spec.outputFilter);
  else closeSync(output);
  const exited = new Promise<Exit>((done) =>
    child.once('exit', (code, signal) => done({ code, signal })),
  );
  if (spec.onMessage) child.on('message', spec.onMessage);
  await new Promise<void>((started, failed) => {
    child.once('spawn', started);
    child.once('error', (error) =>
      failed(new StackError(`${spec.name} could not be started: ${error.message}`)),
    );
  });
  // Without a listener a later error (a signal that cannot be sent, a closed channel) would end the supervisor.
  child.on('error', () => {});
  const pid = child.pid;
  if (pid === undefined) throw new StackError(`${spec.name} could not be started`);

  return {
    name: spec.name,
    pid,
    log,
    exited,
    stop: async () => {
      child.kill(spec.stopSignal ?? 'SIGTERM');
      await within(spec.stopSeconds, exited);
      // Its workers, or all of it when the deadline passed.
      killGroup(pid);
      await within(KILLED_SECONDS, exited);
    },
  };
}

export interface CommandSpec {
  /** What it does, for the message when it fails: "copying Kafka's jars". */
  what: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  seconds: number;
  signal: AbortSignal;
  owner?: Owner | undefined;
  /** As of a service. */
  inherits?: readonly number[];
  /** Whether what it makes belongs to one home. What all homes of a clone share may be read by others. */
  isPrivate?: boolean;
}

/**
 * Runs a command to its end → what it wrote to standard output.
 * @throws StackError with the last lines of its output when it fails, takes too long or cannot be started.
 */
export async function run(spec: CommandSpec): Promise<string> {
  spec.signal.throwIfAborted();
  const child = withUmask(spec.isPrivate ? PRIVATE : process.umask(), () =>
    spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      stdio: ['ignore', 'pipe', 'pipe', ...(spec.inherits ?? [])],
      detached: true,
      ...spec.owner,
    }),
  );
  const output: Buffer[] = [];
  const everything: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => {
    output.push(chunk);
    everything.push(chunk);
  });
  child.stderr?.on('data', (chunk: Buffer) => everything.push(chunk));
  const ended = new Promise<Exit>((done, failed) => {
    child.once('error', (error) => failed(new StackError(`${spec.what} failed: ${error.message}`)));
    child.once('close', (code, signal) => done({ code, signal }));
  });
  const end = async (): Promise<void> => {
    child.kill('SIGTERM');
    await within(10, ended);
    if (child.pid !== undefined) killGroup(child.pid);
  };
  let late = false;
  const deadline = setTimeout(() => {
    late = true;
    void end();
  }, spec.seconds * 1000);
  const stop = (): void => void end();
  spec.signal.addEventListener('abort', stop, { once: true });
  try {
    const exit = await ended;
    spec.signal.throwIfAborted();
    if (exit.code !== 0 || late) {
      const why = late ? `not done after ${spec.seconds} s` : describeExit(exit);
      throw new StackError(
        `${spec.what} failed: ${why} (${spec.command} ${spec.args[0] ?? ''})`,
        lastLines(Buffer.concat(everything).toString()),
      );
    }
    return Buffer.concat(output).toString();
  } finally {
    clearTimeout(deadline);
    spec.signal.removeEventListener('abort', stop);
  }
}

/**
 * Asks again and again until the check gives something else than undefined. A check that throws counts as
 * "not yet"; its last error is shown when the time is over. Each check bounds itself.
 */
export async function waitFor<T>(
  what: string,
  { seconds, signal, everyMs = 50 }: { seconds: number; signal: AbortSignal; everyMs?: number },
  check: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const end = performance.now() + seconds * 1000;
  let last = 'no answer';
  for (;;) {
    signal.throwIfAborted();
    try {
      const result = await check();
      if (result !== undefined) return result;
    } catch (error) {
      last = messageOf(error);
    }
    signal.throwIfAborted();
    if (performance.now() > end)
      throw new StackError(`${what}: nothing after ${seconds} s`, [last]);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/**
 * Runs tasks side by side and waits for every one, even when one fails: nothing goes on behind the caller's back.
 * abort is called with the first failure, so that the others, which watch its signal, give up soon.
 */
export async function together<T extends readonly unknown[]>(
  abort: (reason: unknown) => void,
  tasks: { readonly [K in keyof T]: Promise<T[K]> },
): Promise<T> {
  let failure: { reason: unknown } | undefined;
  const all: Promise<T> = Promise.all(tasks);
  await Promise.allSettled(
    tasks.map((task) =>
      task.catch((reason: unknown) => {
        failure ??= { reason };
        abort(reason);
      }),
    ),
  );
  if (failure) {
    all.catch(() => {});
    throw failure.reason;
  }
  return await all;
}

/** → whether the promise settled in time. */
export async function within(seconds: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((done) => {
    timer = setTimeout(() => done(false), seconds * 1000);
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}

export function describeExit(exit: Exit): string {
  return exit.signal === null ? `exit code ${exit.code}` : `ended by ${exit.signal}`;
}

export function lastLines(text: string, count = TAIL_LINES): string[] {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(-count);
}

export function logTail(path: string): string[] {
  return existsSync(path) ? lastLines(readFileSync(path, 'utf8')) : [];
}

/** Writes the lines of a child into the file, and closes that behind the last of them. */
function keepFiltered(child: ChildProcess, file: number, filter: (line: string) => string): void {
  for (const input of [child.stdout, child.stderr])
    if (input)
      createInterface({ input }).on('line', (line) => writeSync(file, `${filter(line)}\n`));
  child.once('close', () => closeSync(file));
}

/** A log begins anew with every start; the one before is kept, it may say why. */
function openFreshLog(path: string): number {
  if (existsSync(path)) renameSync(path, `${path}.1`);
  return openSync(path, 'w', 0o600);
}

/** A child has the umask that its parent has at the moment of its making. */
function withUmask<T>(mask: number, make: () => T): T {
  const former = process.umask(mask);
  try {
    return make();
  } finally {
    process.umask(former);
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // ESRCH: nobody left in it.
  }
}
