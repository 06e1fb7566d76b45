import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { home } from '../support/stack.ts';

/** Runs the examples of the README as a reader does, each in a directory of its own. */
const run = promisify(execFile);
let directory = '';
let readme = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'streamsync-readme-'));
  await symlink(join(process.cwd(), 'node_modules'), join(directory, 'node_modules'));
  readme = await readFile('README.md', 'utf8');
});
afterAll(() => rm(directory, { recursive: true }));

function example(name: string): string {
  const block = new RegExp(`<!-- run: ${name} -->\\n+\`\`\`\\w+\\n([\\s\\S]*?)\\n\`\`\``).exec(
    readme,
  );
  if (!block?.[1]) throw new Error(`the README has no example ${name}`);
  return block[1];
}

const options = () => ({
  cwd: directory,
  env: { ...process.env, STREAMSYNC_HOME: home() },
  timeout: 100_000,
});

test('the curl example of the README downloads a file that its manifest verifies', async () => {
  await writeFile(join(directory, 'curls.sh'), example('curl'));
  const { stdout } = await run('bash', ['curls.sh'], options());
  expect(stdout).toMatch(/complete: [0-9a-f]{64}/);
  const [csv = ''] = (await readdir(directory)).filter((name) => name.endsWith('.csv'));
  expect((await readFile(join(directory, csv), 'utf8')).split('\n').length).toBeGreaterThan(1_000);
});

test('the event example of the README is answered with a link', async () => {
  await writeFile(join(directory, 'ask.mjs'), example('event'));
  const { stdout } = await run(process.execPath, ['ask.mjs'], options());
  expect(stdout).toContain('was accepted');
  expect(stdout).toMatch(/^http:\/\/localhost:\d+\/api\/v1\/exports\/[0-9a-f-]{36}\/file$/m);
});

test('the readings example of the README stores a reading and asks for it', async () => {
  await writeFile(join(directory, 'readings.sh'), example('readings'));
  const { stdout } = await run('bash', ['readings.sh'], options());
  expect(stdout).toContain('{"accepted":1}');
  expect(stdout).toMatch(
    /"series":"readme-pump","bucket":"1h","points":\[\{"at":"[^"]+","min":6\.2,/,
  );
});
