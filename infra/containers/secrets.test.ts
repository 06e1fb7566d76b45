import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openHome } from '../local/home/home.ts';
import { writeSecrets } from './secrets.ts';

const script = 'infra/containers/with-secrets.sh';
let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'streamsync-secrets-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('secrets stay as they are when they are written again, since databases keep their passwords', async () => {
  const home = openHome({ STREAMSYNC_HOME: directory });
  const place = join(directory, 'secrets');
  const written = async (): Promise<string[]> => {
    const names = await writeSecrets(home, place);
    return names.map((name) => readFileSync(join(place, name), 'utf8'));
  };
  const first = await written();
  expect(first.length).toBeGreaterThan(8);
  expect(await written()).toEqual(first);
});

test('secrets can be read by the user of a container, and by no other user of the machine', async () => {
  const place = join(directory, 'secrets');
  await writeSecrets(openHome({ STREAMSYNC_HOME: directory }), place);
  expect(statSync(place).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(place))
    expect([name, statSync(join(place, name)).mode & 0o777]).toEqual([name, 0o644]);
});

test('with-secrets.sh runs a command with each secret as a variable, whatever characters it has', () => {
  const secrets = {
    STREAMSYNC_SOURCES: `{"a": {"url": "postgres://u:p'a$HOME\\"@host/a b"}}`,
    STREAMSYNC_OIDC: '',
    STREAMSYNC_HASH_SECRET: '`id` $(id) * ; é',
  };
  mkdirSync(join(directory, 'secrets'));
  for (const [name, value] of Object.entries(secrets))
    writeFileSync(join(directory, 'secrets', name), value);
  writeFileSync(join(directory, 'secrets/postgres-password'), 'of another service');
  const print = 'process.stdout.write(JSON.stringify([process.env, process.argv.slice(1)]))';
  const output = execFileSync(
    'sh',
    [script, join(directory, 'secrets'), process.execPath, '-e', print, '--', 'an argument'],
    { env: { PATH: process.env.PATH }, encoding: 'utf8' },
  );
  const [environment, args]: unknown[] = JSON.parse(output);
  expect(environment).toMatchObject(secrets);
  expect(args).toEqual(['an argument']);
  expect(output).not.toContain('of another service');
});

test('with-secrets.sh runs nothing without secrets', () => {
  expect(() => execFileSync('sh', [script, directory, 'true'], { stdio: 'pipe' })).toThrow();
});
