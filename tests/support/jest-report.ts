import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** The fields of jest's JSON report that tests/run.ts and tests/mutants use. */
const jestReportSchema = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  /** Test files that could not run at all; none of their tests is counted. */
  numRuntimeErrorTestSuites: z.int(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

/** Returns the arguments with which Node runs jest and jest writes its report to `reportPath`. */
export const jestArguments = (reportPath: string, args: readonly string[]): string[] => [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  join('node_modules', 'jest', 'bin', 'jest.js'),
  '--json',
  `--outputFile=${reportPath}`,
  ...args,
];

/** Returns the report that jest wrote, or undefined if the run ended without one. */
export async function readJestReport(
  reportPath: string,
): Promise<z.output<typeof jestReportSchema> | undefined> {
  const text = await readFile(reportPath, 'utf8').catch(() => 'null');
  return jestReportSchema.safeParse(JSON.parse(text)).data;
}
