/**
 * Processes of the stack: services, which run until they are stopped; commands, which run to their end; and waiting
 * for a condition. Every function has a timeout and ends when `signal` aborts.
 *
 * Each process leads its own process group (detached): Ctrl-C reaches only the supervisor, which stops the services in
 * order. A service that does not stop is killed with all its children.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { errorMessage } from '../../lib/runtime/errors.ts';
import { sleep } from '../../lib/runtime/retry.ts';
import { settledWithin } from '../../lib/runtime/timeout.ts';
import { StackError } from './errors.ts';

/** Set in every process of a stack to the absolute path of its home: by it the next start finds orphan processes. */
export const stackEnvMarker = 'STREAMSYNC_STACK';

/** Files of a service are readable by its user only: they contain requests, addresses and objects. */
const privateUmask = 0o077;
const tailLineCount = 20;
const killTimeoutMs = 5_000;
/** How long a command that has timed out or is aborted may take to stop before it is killed. */
const commandStopMs = 10_000;

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
  /** Seconds between the stop signal and the kill. */
  stopSeconds: number;
  owner?: Owner | undefined;
  /** Rewrites each line before it is logged: for a service whose output contains secrets. */
  outputFilter?: (line: string) => string;
  /** Open files that the child gets as 3, 4, …: those that its user could not open itself. */
  inherits?: readonly number[];
  /** If set, the child gets an IPC channel. */
  onMessage?: (message: unknown) => void;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Service {
  name: string;
  pid: number;
  log: string;
  exited: Promise<Exit>;
  stop(): Promise<void>;
}

export async function startService(spec: ServiceSpec): Promise<Service> {
  const log = join(spec.logs, `${spec.name}.log`);
  // The child writes directly to the file, as services outlive a killed supervisor for a while. With a filter, output
  // after the end of the supervisor is lost.
  const output = openNewLog(log);
  const target = spec.outputFilter ? 'pipe' : output;
  const stdio: StdioOptions = ['ignore', target, target, ...(spec.inherits ?? [])];
  if (spec.onMessage) stdio.push('ipc');
  const child = withUmask(privateUmask, () =>
    spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      stdio,
      detached: true,
      ...spec.owner,
    }),
  );
  if (spec.outputFilter) writeFiltered(child, output, spec.outputFilter);
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
  // Without a listener, a later error (a signal that cannot be sent, a closed channel) would end the supervisor.
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
      await settledWithin(exited, spec.stopSeconds * 1000);
      // Kills its remaining children, or the whole service after the timeout.
      killGroup(pid);
      await settledWithin(exited, killTimeoutMs);
    },
  };
}

export interface CommandSpec {
  /** Names the command in error messages: "copying Kafka's jars". */
  what: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  seconds: number;
  signal: AbortSignal;
  owner?: Owner | undefined;
  /** As in ServiceSpec. */
  inherits?: readonly number[];
  /** Whether its files belong to one home. Files that all homes of a clone share may be read by others. */
  isPrivate?: boolean;
}

/**
 * Runs a command to its end and returns its standard output. Throws a StackError with the last lines of its output if
 * it fails, takes too long or cannot be started.
 */
export async function run(spec: CommandSpec): Promise<string> {
  spec.signal.throwIfAborted();
  const child = withUmask(spec.isPrivate ? privateUmask : process.umask(), () =>
    spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      stdio: ['ignore', 'pipe', 'pipe', ...(spec.inherits ?? [])],
      detached: true,
      ...spec.owner,
    }),
  );
  const output: Buffer[] = [];
  const allOutput: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => {
    output.push(chunk);
    allOutput.push(chunk);
  });
  child.stderr?.on('data', (chunk: Buffer) => allOutput.push(chunk));
  const ended = new Promise<Exit>((done, failed) => {
    child.once('error', (error) => failed(new StackError(`${spec.what} failed: ${error.message}`)));
    child.once('close', (code, signal) => done({ code, signal }));
  });
  const end = async (): Promise<void> => {
    child.kill('SIGTERM');
    await settledWithin(ended, commandStopMs);
    if (child.pid !== undefined) killGroup(child.pid);
  };
  let timedOut = false;
  const deadline = setTimeout(() => {
    timedOut = true;
    void end();
  }, spec.seconds * 1000);
  const stop = (): void => void end();
  spec.signal.addEventListener('abort', stop, { once: true });
  try {
    const exit = await ended;
    spec.signal.throwIfAborted();
    if (exit.code !== 0 || timedOut) {
      const reason = timedOut ? `not done after ${spec.seconds} s` : describeExit(exit);
      throw new StackError(
        `${spec.what} failed: ${reason} (${spec.command} ${spec.args[0] ?? ''})`,
        lastLines(Buffer.concat(allOutput).toString()),
      );
    }
    return Buffer.concat(output).toString();
  } finally {
    clearTimeout(deadline);
    spec.signal.removeEventListener('abort', stop);
  }
}

/**
 * Repeats the check until it returns a value. A check that throws is repeated, too. Throws a StackError with the last
 * error of the check after the timeout. Each check needs a timeout of its own.
 */
export async function waitFor<T>(
  what: string,
  { seconds, signal, everyMs = 50 }: { seconds: number; signal: AbortSignal; everyMs?: number },
  check: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const end = performance.now() + seconds * 1000;
  let lastError = 'no answer';
  for (;;) {
    signal.throwIfAborted();
    try {
      const result = await check();
      if (result !== undefined) return result;
    } catch (error) {
      lastError = errorMessage(error);
    }
    signal.throwIfAborted();
    if (performance.now() > end) throw new StackError(`${what} within ${seconds} s`, [lastError]);
    await sleep(everyMs, signal);
  }
}

/**
 * Waits for all tasks, which run in parallel, even if one fails: none goes on after the return. Calls `abort` with the
 * first error, so that the other tasks, which watch its signal, end soon; then throws that error.
 */
export async function allOrAbort<T extends readonly unknown[]>(
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

export function describeExit(exit: Exit): string {
  return exit.signal === null ? `exit code ${exit.code}` : `ended by ${exit.signal}`;
}

export function lastLines(text: string, count = tailLineCount): string[] {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(-count);
}

export function logTail(path: string): string[] {
  return existsSync(path) ? lastLines(readFileSync(path, 'utf8')) : [];
}

/** Writes the filtered output of a child to the file, and closes the file after the last line. */
function writeFiltered(child: ChildProcess, file: number, filter: (line: string) => string): void {
  for (const input of [child.stdout, child.stderr])
    if (input)
      createInterface({ input }).on('line', (line) => writeSync(file, `${filter(line)}\n`));
  child.once('close', () => closeSync(file));
}

/** Opens an empty log. The log of the previous start is kept as `.1`. */
function openNewLog(path: string): number {
  if (existsSync(path)) renameSync(path, `${path}.1`);
  return openSync(path, 'w', 0o600);
}

/** A child inherits the umask that its parent has when it is spawned. */
function withUmask<T>(mask: number, spawnChild: () => T): T {
  const former = process.umask(mask);
  try {
    return spawnChild();
  } finally {
    process.umask(former);
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // ESRCH: the group has no processes.
  }
}
