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
import { openHome, repoRoot } from '../../infra/local/home/home.ts';
import { findRunningStack } from '../../infra/local/home/running-stack.ts';
import { readRestartResult } from '../../infra/local/restart-functions.ts';
import { waitFor } from '../support/wait-for.ts';

const startSeconds = 10 * 60;
const restartSeconds = 120;

/**
 * A copy of the working tree, in which files are changed and tests are run, so that the tree itself stays unchanged.
 * The large folders `node_modules` and `.parts` are links.
 */
export class WorkingCopy {
  readonly path = mkdtempSync(join(tmpdir(), 'streamsync-mutants-'));
  readonly #originals = new Map<string, string>();
  #stack: { home: string; stop: () => Promise<void> } | undefined;

  constructor() {
    const listed = execFileSync('git', ['ls-files', '-coz', '--exclude-standard'], {
      cwd: repoRoot,
      encoding: 'utf8',
      maxBuffer: 64 * 2 ** 20,
    });
    for (const file of listed.split('\0').filter((name) => name !== '')) {
      mkdirSync(join(this.path, dirname(file)), { recursive: true });
      // Git lists a file that was deleted without a commit.
      cpSync(join(repoRoot, file), join(this.path, file), { force: true, errorOnExist: false });
    }
    for (const folder of ['node_modules', '.parts'])
      symlinkSync(join(repoRoot, folder), join(this.path, folder));
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

  /** Returns the home of the copy's stack after its functions have restarted from the current files. Throws if they do not start. */
  async restartedStack(): Promise<string> {
    this.#stack ??= await this.#startStack();
    const { home } = this.#stack;
    const opened = openHome({ STREAMSYNC_HOME: home });
    const running = findRunningStack(opened);
    if (!running) throw new Error('the stack of the mutants has ended; start the run again');
    await deleteExports(running.postgres.catalogue);
    const since = Date.now();
    process.kill(running.pid, 'SIGUSR2');
    const outcome = await waitFor(
      'the functions start with the change',
      async () => readRestartResult(opened.logs, since),
      { seconds: restartSeconds },
    );
    if (outcome.error) throw new Error(outcome.error.message);
    return home;
  }

  async #startStack(): Promise<{ home: string; stop: () => Promise<void> }> {
    const home = mkdtempSync(join(tmpdir(), 'streamsync-mutants-home-'));
    const environment: NodeJS.ProcessEnv = {
      ...process.env,
      STREAMSYNC_DEMO: '0',
      STREAMSYNC_HOME: home,
    };
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
      await waitFor(
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

/** Deletes the exports of the previous change, so that the next change does not meet them. */
async function deleteExports(catalogueUrl: string): Promise<void> {
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
