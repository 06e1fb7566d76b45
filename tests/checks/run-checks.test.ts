import { expect, test } from '@jest/globals';
import { type Check, runChecks } from './run-checks.ts';

const node = (name: string, code: string): Check => ({
  name,
  command: process.execPath,
  args: ['-e', code],
});

async function run(checks: readonly Check[], atATime = 2) {
  const lines: string[] = [];
  const counts = await runChecks(checks, { atATime, print: (line) => lines.push(String(line)) });
  return { counts, lines: lines.map((line) => line.replace(/\(\d+\.\d s\)/, '(n s)')) };
}

test('runChecks prints in the order of the list, whichever check ends first', async () => {
  const { counts, lines } = await run([
    node('slow', 'setTimeout(() => {}, 500)'),
    node('fast', ''),
  ]);
  expect(lines).toEqual(['ok   slow (n s)', 'ok   fast (n s)']);
  expect(counts).toEqual({ passed: 2, failed: 0 });
});

test('runChecks runs as many checks at a time as it is asked to', async () => {
  // Each check waits for a file that only the other one writes.
  const waitFor = (own: string, other: string): string => `
    const fs = require('node:fs'), path = require('node:path');
    fs.writeFileSync(path.join('/tmp', '${own}'), '');
    const end = Date.now() + 20_000;
    const look = () => fs.existsSync(path.join('/tmp', '${other}')) ? setTimeout(() => fs.rmSync('/tmp/${other}'), 200)
      : Date.now() < end ? setTimeout(look, 20) : process.exit(1);
    look();`;
  const a = `run-checks-${process.pid}-a`;
  const b = `run-checks-${process.pid}-b`;
  const { counts } = await run([node('a', waitFor(a, b)), node('b', waitFor(b, a))]);
  expect(counts).toEqual({ passed: 2, failed: 0 });
});

test('runChecks shows every failure with its output, and goes on', async () => {
  const { counts, lines } = await run([
    node('first', 'console.log("on stdout"); process.exit(3)'),
    { name: 'missing', command: '/no/such/program', args: [] },
    { ...node('doubted', ''), doubt: () => 'nothing was looked at' },
    node('last', ''),
  ]);
  expect(lines).toEqual([
    'FAIL first (n s)',
    'exit code 3\non stdout\n',
    'FAIL missing (n s)',
    expect.stringContaining('ENOENT'),
    'FAIL doubted (n s)',
    'nothing was looked at\n',
    'ok   last (n s)',
  ]);
  expect(counts).toEqual({ passed: 1, failed: 3 });
});

test('runChecks counts a skipped check as neither passed nor failed, and prints the reason', async () => {
  const prepare = async () => ({ skipped: 'there is no Python' });
  const { counts, lines } = await run([{ ...node('python', 'process.exit(1)'), prepare }]);
  expect(lines).toEqual(['skip python (n s): there is no Python']);
  expect(counts).toEqual({ passed: 0, failed: 0 });
});
