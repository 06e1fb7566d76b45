import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

/**
 * `npm test`: the checks of the source and all suites; the last line counts both.
 * `npm test -- <path> …`: the suites under these paths only.
 * `npm run check`: the checks only.
 * `npm run format`: formats the source.
 */
interface Check {
  name: string;
  command: string;
  args: string[];
  /** Says what is wrong with an output that came with exit code 0. */
  doubt?: (output: string) => string | undefined;
}

const checks: Check[] = [
  { name: 'types', command: 'tsc', args: ['--noEmit'] },
  { name: 'types of the page', command: 'tsc', args: ['--noEmit', '-p', 'web'] },
  { name: 'lint', command: 'oxlint', args: ['--type-aware', '--deny-warnings'] },
  { name: 'format', command: 'biome', args: ['check', '.'] },
  {
    name: 'import directions',
    command: 'depcruise',
    args: ['lib', 'handlers', 'infra', 'web', 'tests'],
    // It has been seen to look at nothing and be content.
    doubt: (output) =>
      /\(\d{2,} modules/.test(output) ? undefined : 'it did not look at the modules',
  },
  {
    name: 'unused code',
    command: 'knip',
    args: ['--no-progress', '--treat-config-hints-as-errors'],
  },
];

const minutes = 60_000;
const environment = {
  ...process.env,
  PATH: `${join(process.cwd(), 'node_modules', '.bin')}:${process.env.PATH}`,
};

async function runCheck({ name, command, args, doubt }: Check): Promise<boolean> {
  const began = performance.now();
  const chunks: string[] = [];
  const child = spawn(command, args, { env: environment, timeout: 5 * minutes });
  child.stdout.on('data', (chunk) => chunks.push(String(chunk)));
  child.stderr.on('data', (chunk) => chunks.push(String(chunk)));
  const code = await exitOf(child);
  const output = chunks.join('');
  const wrong = code === 0 ? doubt?.(output) : `exit code ${code}`;
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  console.log(`${wrong === undefined ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  if (wrong !== undefined) console.log(`${wrong}\n${output}`);
  return wrong === undefined;
}

const exitOf = (child: ReturnType<typeof spawn>): Promise<number> =>
  new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });

const countsSchema = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  /** Files that could not be run at all: none of their tests is counted. */
  numRuntimeErrorTestSuites: z.int(),
});

/** Runs jest and returns how many tests passed and failed; a run that ends without counts is a failure. */
async function runSuites(paths: string[]): Promise<{ passed: number; failed: number }> {
  const directory = await mkdtemp(join(tmpdir(), 'streamsync-tests-'));
  const counts = join(directory, 'counts.json');
  try {
    const jest = spawn(
      process.execPath,
      [
        '--experimental-vm-modules',
        '--disable-warning=ExperimentalWarning',
        join('node_modules', 'jest', 'bin', 'jest.js'),
        '--json',
        `--outputFile=${counts}`,
        '--verbose',
        ...paths,
      ],
      // The report goes to stderr; the JSON on stdout is in the file as well.
      { env: environment, stdio: ['ignore', 'ignore', 'inherit'], timeout: 60 * minutes },
    );
    const code = await exitOf(jest);
    const report = countsSchema.safeParse(
      JSON.parse(await readFile(counts, 'utf8').catch(() => 'null')),
    );
    if (!report.success) return { passed: 0, failed: 1 };
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = report.data;
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    return { passed: numPassedTests, failed: code !== 0 && failed === 0 ? 1 : failed };
  } finally {
    await rm(directory, { recursive: true });
  }
}

const args = process.argv.slice(2);
if (args.includes('--format')) {
  const biome = spawn('biome', ['check', '--write', '.'], { env: environment, stdio: 'inherit' });
  process.exit(await exitOf(biome));
}
const paths = args.filter((arg) => arg !== '--checks');
let passed = 0;
let failed = 0;
if (paths.length === 0) {
  for (const check of checks) {
    if (await runCheck(check)) passed++;
    else failed++;
  }
}
if (!args.includes('--checks')) {
  const suites = await runSuites(paths);
  passed += suites.passed;
  failed += suites.failed;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
