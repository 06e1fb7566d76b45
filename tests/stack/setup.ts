import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** How long the stack may take when everything has to be installed first. */
const startMilliseconds = 15 * 60_000;

/**
 * Starts one stack for the whole run, in a home and on ports of its own, so that a run disturbs neither
 * `npm start` nor another run. `STREAMSYNC_TEST_HOME` names the home of a stack that runs already: it
 * is used and left running.
 */
export default async function setup(): Promise<void> {
  if (process.env.STREAMSYNC_TEST_HOME !== undefined) return;
  const home = await mkdtemp(join(tmpdir(), 'streamsync-test-home-'));
  const environment: NodeJS.ProcessEnv = { ...process.env, STREAMSYNC_HOME: home };
  delete environment.STREAMSYNC_PORT;
  const stack = spawn(process.execPath, [join('infra', 'local', 'start.ts')], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = createWriteStream(join(home, 'start.log'));
  stack.stdout.pipe(log, { end: false });
  stack.stderr.pipe(log, { end: false });
  globalThis.streamsyncTestStack = {
    stop: async () => {
      const ended = new Promise<void>((resolve) => stack.once('close', () => resolve()));
      if (stack.exitCode === null && stack.kill('SIGTERM')) await ended;
      log.end();
      await rm(home, { recursive: true, force: true });
    },
  };
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error('the stack was not ready in time')),
      startMilliseconds,
    );
    createInterface({ input: stack.stdout }).on('line', (line) => {
      if (line.startsWith('ready ')) resolve();
    });
    stack.once('close', (code) => reject(new Error(`the stack ended with code ${code}`)));
    void timer.unref();
  }).catch(async (error: unknown) => {
    console.error(
      (await readFile(join(home, 'start.log'), 'utf8')).split('\n').slice(-60).join('\n'),
    );
    stack.kill('SIGTERM');
    throw error;
  });
  process.env.STREAMSYNC_TEST_HOME = home;
}

declare global {
  var streamsyncTestStack: { stop: () => Promise<void> } | undefined;
}
