import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHome } from '../../infra/local/home/home.ts';
import { findRunningStack } from '../../infra/local/home/running-stack.ts';
import { secretsInLogs } from '../checks/secrets-in-logs.ts';
import { startS3Proxy } from './faults/s3-proxy.ts';
import { StartedStack } from './processes.ts';
import { provideStacks, type WorkerStack } from './worker-stack.ts';

/** The pipeline of tests/integration/pipelines.test.ts. */
const pipelineOfTests = 'docs/examples/pipelines/weather-station.json';
/** The time limit of a start that installs everything first. */
const startSeconds = 15 * 60;

/**
 * Starts a stack for each worker of jest, in homes and on ports of their own, so that a run disturbs neither
 * `npm start` nor another run, and no worker disturbs another. If `STREAMSYNC_TEST_HOME` names the home of a running
 * stack, that stack is used and left running. A run of single paths uses the stack of `npm start` in the same way,
 * except for paths in tests/faults: they need the proxy between the functions and S3, which only a stack started here
 * has.
 */
export default async function setup({
  nonFlagArgs: paths,
  maxWorkers,
}: {
  nonFlagArgs: string[];
  maxWorkers: number;
}): Promise<void> {
  if (process.env.STREAMSYNC_TEST_HOME !== undefined) return;
  // It may be left from another stack.
  delete process.env.STREAMSYNC_TEST_FAULTS;
  if (paths.length > 0 && !paths.some(isOfFaults)) {
    const running = findRunning();
    if (running !== undefined) return provideStacks([{ home: running, faults: undefined }]);
  }
  const starts = await Promise.allSettled(Array.from({ length: maxWorkers }, startStack));
  const stacks = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const stop = async (): Promise<void> => {
    const leaks = await Promise.all(stacks.map((stack) => stack.stop()));
    if (leaks.flat().length > 0) throw new Error(`logs have secrets:\n${leaks.flat().join('\n')}`);
  };
  for (const start of starts)
    if (start.status === 'rejected') {
      await stop();
      throw start.reason;
    }
  globalThis.streamsyncTestStacks = { stop };
  provideStacks(stacks.map(({ home, faults }) => ({ home, faults })));
}

/**
 * Starts a stack whose functions reach S3 through a proxy. Throws if it is not ready in time. `stop` returns where its
 * logs have secrets.
 */
async function startStack(): Promise<WorkerStack & { stop: () => Promise<string[]> }> {
  const home = await mkdtemp(join(tmpdir(), 'streamsync-test-home-'));
  const proxy = await startS3Proxy();
  const stack = new StartedStack(home, {
    STREAMSYNC_S3_ENDPOINT: proxy.endpoint,
    STREAMSYNC_PIPELINES: pipelineOfTests,
  });
  let wasReady = false;
  const stop = async (): Promise<string[]> => {
    // No test stops this stack: its last lines say why it ended.
    if (stack.process.exitCode !== null)
      console.error(stack.output.split('\n').slice(-60).join('\n'));
    await stack.stop();
    await proxy.stop();
    const leaks = wasReady ? await secretsInLogs(home) : [];
    await rm(home, { recursive: true, force: true });
    return leaks;
  };
  try {
    // The start itself calls S3 through the proxy, to create the bucket.
    const aimed = stack.s3Port(startSeconds).then(proxy.forwardTo);
    await Promise.all([stack.ready(startSeconds), aimed]);
    wasReady = true;
  } catch (error) {
    if (stack.process.exitCode === null) console.error(stack.output);
    await stop();
    throw error;
  }
  return { home, faults: proxy.faults, stop };
}

const isOfFaults = (path: string): boolean => /(^|\/)faults(\/|$)/.test(path);

/** Returns the home of the running stack of `npm start`, if one runs. */
function findRunning(): string | undefined {
  const running = openHome(process.env);
  const stack = findRunningStack(running);
  if (stack === undefined) return undefined;
  // Standard output belongs to jest --json.
  console.error(`tests use the running stack in ${running.path} (${stack.url})`);
  return running.path;
}

declare global {
  var streamsyncTestStacks: { stop: () => Promise<void> } | undefined;
}
