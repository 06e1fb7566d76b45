import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { messageOf } from '../../lib/runtime/errors.ts';
import type { WorkingCopy } from './working-copy.ts';

/** How long the tests of one kind may take with a change before it counts as noticed. */
const unitSeconds = 120;
const suiteSeconds = 15 * 60;
/** For a stack that a suite has started. */
const stopSeconds = 60;

/** What the tests said: nothing, or who noticed. */
export type Verdict = { noticed: false } | { noticed: true; by: string };

// `--selectProjects` takes all that follows up to the next flag.
const unitTests = ['--selectProjects', 'unit', '--passWithNoTests'];
const stackSuite = ['--selectProjects', 'stack', '--runTestsByPath'];

interface Tests {
  /** A file whose unit tests are run, those that import it. */
  related?: string;
  /** Unit tests that are run besides. */
  units?: readonly string[];
  /** Suites against a stack; those of faults start one of their own. */
  suites: readonly string[];
}

/** Runs tests in the copy as it is, up to the first failure. A change that the functions do not start with is noticed. */
export async function runTests(copy: WorkingCopy, tests: Tests): Promise<Verdict> {
  if (tests.related !== undefined) {
    const verdict = await jest(
      copy,
      [...unitTests, '--findRelatedTests', tests.related],
      {},
      unitSeconds,
    );
    if (verdict.noticed) return verdict;
  }
  if (tests.units !== undefined && tests.units.length > 0) {
    const verdict = await jest(copy, [...unitTests, ...tests.units], {}, unitSeconds);
    if (verdict.noticed) return verdict;
  }
  const ofFaults = tests.suites.filter((suite) => suite.startsWith('tests/faults/'));
  const others = tests.suites.filter((suite) => !ofFaults.includes(suite));
  if (others.length > 0) {
    let home: string;
    try {
      home = await copy.stackAsItIs();
    } catch (error) {
      return { noticed: true, by: `start of the functions: ${messageOf(error)}` };
    }
    for (const suite of others) {
      const verdict = await jest(
        copy,
        [...stackSuite, suite],
        { STREAMSYNC_TEST_HOME: home },
        suiteSeconds,
      );
      if (verdict.noticed) return verdict;
    }
  }
  for (const suite of ofFaults) {
    const verdict = await jest(copy, [...stackSuite, suite], {}, suiteSeconds);
    if (verdict.noticed) return verdict;
  }
  return { noticed: false };
}

const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

/** The run under way, which leads a group of its own. */
let running: number | undefined;

/** Ends the tests under way, with the stacks that they have started. */
export function endTests(): void {
  signalGroup(running, 'SIGTERM');
}

async function jest(
  copy: WorkingCopy,
  args: readonly string[],
  environment: Record<string, string>,
  seconds: number,
): Promise<Verdict> {
  const counts = join(copy.path, 'counts.json');
  await rm(counts, { force: true });
  const inherited = { ...process.env };
  delete inherited.STREAMSYNC_TEST_HOME;
  delete inherited.STREAMSYNC_HOME;
  // The nearest home of a stack is none of this copy.
  const child = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join('node_modules', 'jest', 'bin', 'jest.js'),
      '--json',
      `--outputFile=${counts}`,
      ...args,
    ],
    { cwd: copy.path, env: { ...inherited, ...environment }, stdio: 'ignore', detached: true },
  );
  running = child.pid;
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const limit = new AbortController();
  const code = await Promise.race([
    ended,
    pause(seconds * 1_000, 'late' as const, { signal: limit.signal }),
  ]);
  limit.abort();
  if (code === 'late') {
    signalGroup(child.pid, 'SIGTERM');
    const stopped = new AbortController();
    await Promise.race([
      ended,
      pause(stopSeconds * 1_000, null, { signal: stopped.signal }).catch(() => null),
    ]);
    stopped.abort();
    signalGroup(child.pid, 'SIGKILL');
    return { noticed: true, by: `no end within ${seconds} s` };
  }
  return code === 0 ? { noticed: false } : { noticed: true, by: await firstFailure(counts) };
}

async function firstFailure(counts: string): Promise<string> {
  const report = reportSchema.safeParse(
    JSON.parse(await readFile(counts, 'utf8').catch(() => 'null')),
  );
  for (const { name, status, message, assertionResults } of report.data?.testResults ?? []) {
    const failed = assertionResults.find((each) => each.status === 'failed');
    const file = name.split('/').slice(-2).join('/');
    if (failed) return `${file}: ${firstLine(failed.fullName)}`;
    if (status === 'failed') return `${file}: ${firstLine(message)}`;
  }
  return 'the test run itself';
}

const firstLine = (text: string): string =>
  text.split('\n').find((line) => line.trim() !== '') ?? '';

function signalGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch {
    // Nobody is left in it.
  }
}
