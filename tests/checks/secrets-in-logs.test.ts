import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { secretsInLogs } from './secrets-in-logs.ts';

const password = 'correct-horse-battery-staple';
const d = 'the-private-part-of-a-signing-key-of-43-cha';
const x = 'the-public-part-of-a-signing-key-is-published';
let home = '';

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'streamsync-secrets-'));
  await mkdir(join(home, 'logs'));
  await mkdir(join(home, 'nginx'));
  await writeFile(join(home, 'secrets.json'), JSON.stringify({ tokenSecret: 's'.repeat(43) }));
  const credentials = { demo: { email: 'a-long-address@streamsync.example', password } };
  await writeFile(join(home, 'credentials.json'), JSON.stringify(credentials));
  await writeFile(join(home, 'signing-keys.json'), JSON.stringify({ keys: [{ d, x }] }));
});
afterAll(() => rm(home, { recursive: true }));

const linesFound = async (file: string, lines: string[]): Promise<string[]> => {
  const path = join(home, file);
  await writeFile(path, lines.join('\n'));
  const found = await secretsInLogs(home);
  await rm(path);
  return found.map((line) => line.slice(path.length));
};

test('secretsInLogs finds secrets of the stack, and texts with the form of one', async () => {
  const lines = [
    'a-long-address@streamsync.example signed in',
    `the password is ${password}`,
    `x is ${x}`,
    `d is ${d}`,
    `GET /files/${'t'.repeat(43)}/orders.csv`,
    'connected to postgres://reader:password@127.0.0.1/sales',
    'connected to postgres://reader:…@127.0.0.1/sales',
    `the key ssk_${'k'.repeat(43)}`,
  ];
  const found = [
    ':2: a secret of the stack',
    ':4: a secret of the stack',
    ':5: a text with the form of a secret',
    ':6: a text with the form of a secret',
    ':8: a text with the form of a secret',
  ];
  expect(await linesFound('logs/functions.log', lines)).toEqual(found);
  expect(await linesFound('logs/functions.log.1', lines)).toEqual(found);
  expect(await linesFound('nginx/requests.log', lines)).toEqual(found);
});
