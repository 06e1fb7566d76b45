import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type StackFile, stackFileSchema } from '../../infra/local/home/stack-file.ts';
import { waitFor } from './wait-for.ts';

const demoSchema = z.object({ demo: z.object({ apiKey: z.string() }) });

/** Returns a process and all its descendants, from /proc. */
export async function descendantsOf(root: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    // The command is in brackets and may contain any character; the parent is the second field after it.
    const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const family = [root];
  for (const member of family)
    for (const [pid, parent] of parents) if (parent === member) family.push(pid);
  return family;
}

/** Returns whether a process runs. A zombie does not run. */
const isAlive = (pid: number): boolean => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !['Z', 'X'].includes(stat.charAt(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
};

/**
 * Waits until none of these processes runs, for which the kernel may need some milliseconds. Throws with the commands
 * of the processes that still run.
 */
export async function assertEnded(pids: readonly number[]): Promise<void> {
  const running = () => pids.filter(isAlive);
  const limits = { seconds: 5, everyMs: 50 };
  const none = async () => (running().length === 0 ? true : undefined);
  if (await waitFor('the processes end', none, limits).catch(() => false)) return;
  const commands = running().map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
  throw new Error(`still running: ${(await Promise.all(commands)).join(', ')}`);
}

export interface Listener {
  pid: number;
  address: string;
}

/** Returns every TCP socket on which these processes listen, with the address in hexadecimal as in /proc. */
export async function listenersOf(pids: readonly number[]): Promise<Listener[]> {
  const listening = new Map<string, string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (await readFile(table, 'utf8').catch(() => '')).split('\n')) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === '0A' && inode !== undefined) listening.set(inode, local);
    }
  }
  const found: Listener[] = [];
  for (const pid of pids) {
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      const address = listening.get(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '');
      if (address !== undefined) found.push({ pid, address });
    }
  }
  return found;
}

/** Returns whether an address is in 127.0.0.0/8, is ::1, or is 127.0.0.0/8 mapped into IPv6, as /proc writes it. */
export const isLoopback = (address: string): boolean =>
  /^([0-9A-F]{6}7F|0{24}01000000|0{16}FFFF0000[0-9A-F]{6}7F):/.test(address);

/** The program of `npm start` with a home of its own. `output` keeps what it prints. */
export class StartedStack {
  readonly process: ChildProcess;
  output = '';
  readonly ended: Promise<number | null>;
  readonly #home: string;

  constructor(home: string, environment: Record<string, string> = {}) {
    this.#home = home;
    const inherited: NodeJS.ProcessEnv = { ...process.env };
    delete inherited.STREAMSYNC_PORT;
    delete inherited.STREAMSYNC_S3_ENDPOINT;
    // A suite may have set it for itself.
    delete inherited.STREAMSYNC_SOURCES;
    // The test run has set it; this stack has its own start time.
    delete inherited.STREAMSYNC_STARTED_AT;
    this.process = spawn(process.execPath, [join('infra', 'local', 'start.ts')], {
      // Simulated readings would be among those that the suites count.
      env: { ...inherited, STREAMSYNC_DEMO: '0', STREAMSYNC_HOME: home, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process.stdout?.on('data', (chunk) => (this.output += String(chunk)));
    this.process.stderr?.on('data', (chunk) => (this.output += String(chunk)));
    this.ended = new Promise((resolve) => this.process.once('close', resolve));
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error('the process of the stack did not start');
    return this.process.pid;
  }

  /** Returns the address in the ready line. */
  ready(seconds = 400): Promise<string> {
    return this.#printed('the stack is ready', /^ready {2}(\S+)$/m, seconds);
  }

  /** Waits until the stack is ready. Returns its stack.json, and the headers of calls by the demo analyst. */
  async details() {
    await this.ready();
    const credentials = demoSchema.parse(await this.#read('credentials.json'));
    return { ...(await this.stackFile()), asDemo: { 'x-api-key': credentials.demo.apiKey } };
  }

  /** Returns stack.json as it is now. */
  async stackFile(): Promise<StackFile> {
    return stackFileSchema.parse(await this.#read('stack.json'));
  }

  /** Asks the stack to stop if it runs, and waits until it has ended. */
  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.kill('SIGTERM')) await this.ended;
  }

  async #read(name: string): Promise<unknown> {
    return JSON.parse(await readFile(join(this.#home, name), 'utf8'));
  }

  /** Returns the port of LocalStack, which answers long before the stack is ready. */
  async s3Port(seconds = 400): Promise<number> {
    const line = /\blocalstack +ready on 127\.0\.0\.1:(\d+)$/m;
    return Number(await this.#printed('LocalStack is ready', line, seconds));
  }

  #printed(what: string, line: RegExp, seconds: number): Promise<string> {
    return waitFor(
      what,
      async () => {
        if (this.process.exitCode !== null) throw new Error(`the stack ended:\n${this.output}`);
        return line.exec(this.output)?.[1];
      },
      { seconds },
    );
  }
}
