import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { errorMessage } from '../../lib/runtime/errors.ts';
import { jestArguments, readJestReport } from '../support/jest-report.ts';
import type { WorkingCopy } from './working-copy.ts';

/** A run of tests that takes longer than this counts as having noticed the change. */
const unitSeconds = 120;
const suiteSeconds = 5 * 60;
/** The time for the stack of a suite to stop. */
const stopSeconds = 60;

/** Whether a test noticed the change, and which. */
export type Verdict = { noticed: false } | { noticed: true; by: string };

// `--selectProjects` takes every argument up to the next flag.
const unitTests = ['--selectProjects', 'unit', '--passWithNoTests'];
const stackSuite = ['--selectProjects', 'stack', '--runTestsByPath'];

interface Tests {
  /** A file. The unit tests that import it are run. */
  related?: string;
  /** Paths of further unit tests. */
  units?: readonly string[];
  /** Suites that need a stack. Those of tests/faults start their own. */
  suites: readonly string[];
}

/** Runs tests in the copy up to the first failure. A change with which the functions do not start counts as noticed. */
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
  const faultSuites = tests.suites.filter((suite) => suite.startsWith('tests/faults/'));
  const sharedStackSuites = tests.suites.filter((suite) => !faultSuites.includes(suite));
  if (sharedStackSuites.length > 0) {
    let home: string;
    try {
      home = await copy.restartedStack();
    } catch (error) {
      return { noticed: true, by: `start of the functions: ${errorMessage(error)}` };
    }
    for (const suite of sharedStackSuites) {
      const verdict = await jest(
        copy,
        [...stackSuite, suite],
        { STREAMSYNC_TEST_HOME: home },
        suiteSeconds,
      );
      if (verdict.noticed) return verdict;
    }
  }
  for (const suite of faultSuites) {
    const verdict = await jest(copy, [...stackSuite, suite], {}, suiteSeconds);
    if (verdict.noticed) return verdict;
  }
  return { noticed: false };
}

/** The process id of the current run, which leads its own process group. */
let currentRun: number | undefined;

/** Ends the current run and the stacks that its tests have started. */
export function endTests(): void {
  signalGroup(currentRun, 'SIGTERM');
}

/** Runs tests; runs them again if they fail, because on a busy machine a test may fail for another reason. */
async function jest(
  copy: WorkingCopy,
  args: readonly string[],
  environment: Record<string, string>,
  seconds: number,
): Promise<Verdict> {
  const verdict = await jestOnce(copy, args, environment, seconds);
  return verdict.noticed ? jestOnce(copy, args, environment, seconds) : verdict;
}

async function jestOnce(
  copy: WorkingCopy,
  args: readonly string[],
  environment: Record<string, string>,
  seconds: number,
): Promise<Verdict> {
  const reportPath = join(copy.path, 'report.json');
  await rm(reportPath, { force: true });
  const inherited = { ...process.env };
  delete inherited.STREAMSYNC_TEST_HOME;
  delete inherited.STREAMSYNC_HOME;
  const child = spawn(process.execPath, jestArguments(reportPath, args), {
    cwd: copy.path,
    env: { ...inherited, ...environment },
    stdio: 'ignore',
    detached: true,
  });
  currentRun = child.pid;
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
  return code === 0 ? { noticed: false } : { noticed: true, by: await firstFailure(reportPath) };
}

async function firstFailure(reportPath: string): Promise<string> {
  const report = await readJestReport(reportPath);
  for (const { name, status, message, assertionResults } of report?.testResults ?? []) {
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
    // The group has no process left.
  }
}
