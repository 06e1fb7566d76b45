import { execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { findRunningStack } from '../../infra/local/found-stack.ts';
import { restartOutcome } from '../../infra/local/functions-restart.ts';
import { openHome, REPO } from '../../infra/local/home.ts';
import { until } from '../stack/until.ts';

const startSeconds = 10 * 60;
const restartSeconds = 120;

/**
 * A copy of the working tree, in which files are changed and tests are run: nothing that happens there is seen by
 * whoever works in the tree. What is large and never changed is linked.
 */
export class WorkingCopy {
  readonly path = mkdtempSync(join(tmpdir(), 'streamsync-mutants-'));
  readonly #originals = new Map<string, string>();
  #stack: { home: string; stop: () => Promise<void> } | undefined;

  constructor() {
    const listed = execFileSync('git', ['ls-files', '-coz', '--exclude-standard'], {
      cwd: REPO,
      encoding: 'utf8',
      maxBuffer: 64 * 2 ** 20,
    });
    for (const file of listed.split('\0').filter((name) => name !== '')) {
      mkdirSync(join(this.path, dirname(file)), { recursive: true });
      // A file that was deleted and not yet committed is still listed.
      cpSync(join(REPO, file), join(this.path, file), { force: true, errorOnExist: false });
    }
    for (const folder of ['node_modules', '.parts'])
      symlinkSync(join(REPO, folder), join(this.path, folder));
  }

  read(file: string): string {
    return readFileSync(join(this.path, file), 'utf8');
  }

  /** Changes a file until `restore`. */
  change(file: string, text: string): void {
    if (!this.#originals.has(file)) this.#originals.set(file, this.read(file));
    writeFileSync(join(this.path, file), text);
  }

  restore(): void {
    for (const [file, text] of this.#originals) writeFileSync(join(this.path, file), text);
    this.#originals.clear();
  }

  /** The home of a stack of the copy, whose functions are those of the files as they are now. Throws if they do not start. */
  async stackAsItIs(): Promise<string> {
    this.#stack ??= await this.#startStack();
    const { home } = this.#stack;
    const opened = openHome({ STREAMSYNC_HOME: home });
    const running = findRunningStack(opened);
    if (!running) throw new Error('the stack of the mutants has ended');
    await forgetExports(running.postgres.catalogue);
    const since = Date.now();
    process.kill(running.pid, 'SIGUSR2');
    const outcome = await until(
      'the functions start with the change',
      async () => restartOutcome(opened.logs, since),
      { seconds: restartSeconds },
    );
    if (outcome.error) throw new Error(outcome.error.message);
    return home;
  }

  async #startStack(): Promise<{ home: string; stop: () => Promise<void> }> {
    const home = mkdtempSync(join(tmpdir(), 'streamsync-mutants-home-'));
    const environment: NodeJS.ProcessEnv = { ...process.env, STREAMSYNC_HOME: home };
    for (const name of ['STREAMSYNC_PORT', 'STREAMSYNC_STARTED_AT']) delete environment[name];
    const supervisor = spawn(process.execPath, [join('infra', 'local', 'start.ts')], {
      cwd: this.path,
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    supervisor.stdout.on('data', (chunk) => (output += String(chunk)));
    const ended = new Promise((resolve) => supervisor.once('close', resolve));
    const stop = async (): Promise<void> => {
      supervisor.kill('SIGTERM');
      await ended;
      rmSync(home, { recursive: true, force: true });
    };
    try {
      await until(
        'the stack is ready',
        async () => {
          if (supervisor.exitCode !== null) throw new Error(`the stack ended:\n${output}`);
          return /^ready /m.test(output) ? true : undefined;
        },
        { seconds: startSeconds },
      );
    } catch (error) {
      await stop();
      throw error;
    }
    return { home, stop };
  }

  async remove(): Promise<void> {
    await this.#stack?.stop();
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** What a change has left half done is not to be met by the next one. */
async function forgetExports(catalogueUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: catalogueUrl });
  await client.connect();
  try {
    await client.query(`truncate exports, outbox, source_pauses cascade;
      update slots set closed_until = null, closed_offset = null, last_used_at = null;
      update accounts set max_rows = null, max_bytes = null`);
  } finally {
    await client.end();
  }
}
