import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'streamsync-regexes-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** Returns the names of the lint rules of the repository that reject an expression. */
async function rulesAgainst(expression: string): Promise<string[]> {
  const file = join(directory, 'regex.ts');
  await writeFile(file, `export const expression = ${expression};\n`);
  const oxlint = join('node_modules', 'oxlint', 'bin', 'oxlint');
  const output = await promisify(execFile)(process.execPath, [oxlint, '-c', '.oxlintrc.json', file])
    .then(({ stdout }) => stdout)
    .catch((error: { stdout: string }) => error.stdout);
  return [...output.matchAll(/regexp\(([a-z-]+)\)/g)].map(([, rule = '']) => rule);
}

// The first two once blocked the API: 40,000 digits took 11 seconds.
test.each([
  [String.raw`/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i`, ['no-super-linear-backtracking']],
  [String.raw`'100'.replace(/0+$/, '')`, ['no-super-linear-move']],
  [String.raw`/^(a+)+$/`, ['no-super-linear-backtracking']],
  [String.raw`/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i`, []],
])('the linter reports for %s: %j', async (expression, rules) => {
  expect(await rulesAgainst(expression)).toEqual(rules);
});
