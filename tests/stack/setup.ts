import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartedStack } from './processes.ts';

/** How long the stack may take when everything has to be installed first. */
const startSeconds = 15 * 60;

/**
 * Starts one stack for the whole run, in a home and on ports of its own, so that a run disturbs neither
 * `npm start` nor another run. `STREAMSYNC_TEST_HOME` names the home of a stack that runs already: it
 * is used and left running.
 */
export default async function setup(): Promise<void> {
  if (process.env.STREAMSYNC_TEST_HOME !== undefined) return;
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

declare global {
  var streamsyncTestStack: { stop: () => Promise<void> } | undefined;
}
