import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRunningStack } from '../../infra/local/found-stack.ts';
import { openHome } from '../../infra/local/home.ts';
import { StartedStack } from './processes.ts';
import { startS3Proxy } from './s3-proxy.ts';

/** How long the stack may take when everything has to be installed first. */
const startSeconds = 15 * 60;

/**
 * Starts one stack for the whole run, in a home and on ports of its own, so that a run disturbs neither
 * `npm start` nor another run. `STREAMSYNC_TEST_HOME` names the home of a stack that runs already: it
 * is used and left running. So is the stack of `npm start` when single paths are to be tested; not for those of
 * faults, which need the proxy that stands between the functions and S3 in a stack started here.
 */
export default async function setup({
  nonFlagArgs: paths,
}: {
  nonFlagArgs: string[];
}): Promise<void> {
  if (process.env.STREAMSYNC_TEST_HOME !== undefined) return;
  // Of another stack than the one found or started here.
  delete process.env.STREAMSYNC_TEST_FAULTS;
  if (paths.length > 0 && !paths.some(isOfFaults) && useRunningStack()) return;
  const home = await mkdtemp(join(tmpdir(), 'streamsync-test-home-'));
  const proxy = await startS3Proxy();
  const stack = new StartedStack(home, { STREAMSYNC_S3_ENDPOINT: proxy.endpoint });
  const stop = async (): Promise<void> => {
    // No test stops it: what ended it is in its last lines.
    if (stack.process.exitCode !== null)
      console.error(stack.output.split('\n').slice(-60).join('\n'));
    if (stack.process.exitCode === null && stack.process.kill('SIGTERM')) await stack.ended;
    await proxy.stop();
    await rm(home, { recursive: true, force: true });
  };
  try {
    // The start itself goes through the proxy, for the bucket.
    const aimed = stack.s3Port(startSeconds).then(proxy.forwardTo);
    await Promise.all([stack.ready(startSeconds), aimed]);
  } catch (error) {
    if (stack.process.exitCode === null) console.error(stack.output);
    await stop();
    throw error;
  }
  globalThis.streamsyncTestStack = { stop };
  process.env.STREAMSYNC_TEST_HOME = home;
  process.env.STREAMSYNC_TEST_FAULTS = proxy.faults;
}

const isOfFaults = (path: string): boolean => /(^|\/)faults(\/|$)/.test(path);

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
