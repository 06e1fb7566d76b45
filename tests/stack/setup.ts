import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRunningStack } from '../../infra/local/found-stack.ts';
import { openHome } from '../../infra/local/home.ts';
import { StartedStack } from './processes.ts';

/** How long the stack may take when everything has to be installed first. */
const startSeconds = 15 * 60;

/**
 * Starts one stack for the whole run, in a home and on ports of its own, so that a run disturbs neither
 * `npm start` nor another run. `STREAMSYNC_TEST_HOME` names the home of a stack that runs already: it
 * is used and left running. So is the stack of `npm start` when single paths are to be tested.
 */
export default async function setup({
  nonFlagArgs: paths,
}: {
  nonFlagArgs: string[];
}): Promise<void> {
  if (process.env.STREAMSYNC_TEST_HOME !== undefined) return;
  if (paths.length > 0 && useRunningStack()) return;
  const home = await mkdtemp(join(tmpdir(), 'streamsync-test-home-'));
  const stack = new StartedStack(home);
  const stop = async (): Promise<void> => {
    // No test stops it: what ended it is in its last lines.
    if (stack.process.exitCode !== null)
      console.error(stack.output.split('\n').slice(-60).join('\n'));
    if (stack.process.exitCode === null && stack.process.kill('SIGTERM')) await stack.ended;
    await rm(home, { recursive: true, force: true });
  };
  try {
    await stack.ready(startSeconds);
  } catch (error) {
    if (stack.process.exitCode === null) console.error(stack.output);
    await stop();
    throw error;
  }
  globalThis.streamsyncTestStack = { stop };
  process.env.STREAMSYNC_TEST_HOME = home;
}

function useRunningStack(): boolean {
  const running = openHome(process.env);
  const stack = findRunningStack(running);
  if (stack === undefined) return false;
  // Standard output is that of jest --json.
  console.error(`against the stack that runs in ${running.path} (${stack.url})`);
  process.env.STREAMSYNC_TEST_HOME = running.path;
  return true;
}

declare global {
  var streamsyncTestStack: { stop: () => Promise<void> } | undefined;
}
