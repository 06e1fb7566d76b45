import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { checks } from './checks/checks.ts';
import { environment, exitOf, runChecks } from './checks/run-checks.ts';
import { jestArguments, readJestReport } from './support/jest-report.ts';

/**
 * `npm test`: the checks of the source and all suites. The last line counts both.
 * `npm test -- <path> …`: the suites under these paths only.
 * `npm run test:unit`, `npm run test:unit -- <path> …`: the unit tests, on all cores; they need no stack.
 * `npm run check`: the checks only. `npm run check -- <name> …`: those whose names start so.
 * `npm run format`: formats the source. `npm run lint:fix`: corrects what the linter can correct, and formats.
 */
const minutes = 60_000;
/** The stacks on which a run of all suites is divided. The services of each take about 2 GB of memory. */
const maxStacks = 2;

/** Runs jest and returns how many tests passed and failed. A run that ends without a report counts as one failure. */
async function runSuites(jestArgs: readonly string[]): Promise<{ passed: number; failed: number }> {
  const directory = await mkdtemp(join(tmpdir(), 'streamsync-tests-'));
  const reportPath = join(directory, 'report.json');
  try {
    const jest = spawn(
      process.execPath,
      jestArguments(reportPath, ['--verbose', ...jestArgs]),
      // The report goes to stderr; the JSON on stdout is in the file as well.
      { env: environment, stdio: ['ignore', 'ignore', 'inherit'], timeout: 80 * minutes },
    );
    const code = await exitOf(jest);
    const report = await readJestReport(reportPath);
    if (!report) return { passed: 0, failed: 1 };
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = report;
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    return { passed: numPassedTests, failed: code !== 0 && failed === 0 ? 1 : failed };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Runs a program that corrects files, and returns its exit code. */
const correct = (command: string, args: readonly string[]): Promise<number> =>
  exitOf(spawn(command, args, { env: environment, stdio: 'inherit' }));

const args = process.argv.slice(2);
const options = new Set(args.filter((arg) => arg.startsWith('--')));
const names = args.filter((arg) => !arg.startsWith('--'));
if (options.has('--format') || options.has('--fix')) {
  // What the linter leaves to be corrected by hand is formatted all the same.
  const lint = options.has('--fix')
    ? await correct('oxlint', ['--type-aware', '--fix', ...names])
    : 0;
  const format = await correct('biome', [
    'check',
    '--write',
    ...(names.length > 0 ? names : ['.']),
  ]);
  process.exit(lint || format);
}
let passed = 0;
let failed = 0;
const add = (counts: { passed: number; failed: number }): void => {
  passed += counts.passed;
  failed += counts.failed;
};
if (options.has('--checks'))
  add(
    await runChecks(
      checks.filter(
        ({ name }) => names.length === 0 || names.some((start) => name.startsWith(start)),
      ),
    ),
  );
else if (options.has('--unit'))
  add(
    await runSuites([
      '--selectProjects=unit',
      `--maxWorkers=${availableParallelism()}`,
      '--',
      ...names,
    ]),
  );
else {
  if (names.length === 0) add(await runChecks(checks));
  const workers =
    names.length === 0 && process.env.STREAMSYNC_TEST_HOME === undefined ? maxStacks : 1;
  add(await runSuites([`--maxWorkers=${workers}`, '--', ...names]));
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
