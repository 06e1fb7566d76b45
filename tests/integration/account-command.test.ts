import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { call } from '../support/api.ts';
import { signIn, statusOf } from '../support/sessions.ts';
import { home, sql, stack } from '../support/stack.ts';

interface Answer {
  code: number | null;
  stdout: string;
  stderr: string;
}

const account = (args: string[], environment: Record<string, string> = {}): Promise<Answer> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join('infra', 'cli', 'account.ts'), ...args],
      { env: { ...process.env, STREAMSYNC_HOME: home(), ...environment }, timeout: 30_000 },
      (_, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });

const passwordIn = ({ stdout }: Answer): string => stdout.trim().split(' ').at(-1) ?? '';

test('creates an administrator, changes the password, disables and enables the account', async () => {
  const email = `${randomUUID()}@tests.example`;
  const created = await account(['create', email, '--role', 'admin']);
  expect(created).toMatchObject({ code: 0, stderr: '' });
  const session = await signIn({ email, password: passwordIn(created) });
  expect((await call('GET', '/admin/accounts?limit=1', { headers: session })).status).toBe(200);
  const again = await account(['create', email.toUpperCase()]);
  expect(again).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('exists') });

  const changed = await account(['password', email]);
  expect(await statusOf(session)).toBe(401);
  const second = await signIn({ email, password: passwordIn(changed) });
  expect((await account(['disable', email])).code).toBe(0);
  expect(await statusOf(second)).toBe(401);
  expect((await account(['list'])).stdout).toContain(`admin  ${email}  disabled\n`);
  expect((await account(['enable', email])).code).toBe(0);
  await signIn({ email, password: passwordIn(changed) });

  const entries = await sql(
    stack.postgres.catalogue,
    'select actor, action, address from audit.entries where target = $1 and actor = $2 order by id',
    [email, 'command'],
  );
  expect(entries.map(({ action }) => action)).toEqual([
    'account.create',
    'password.change',
    'account.change',
    'account.change',
  ]);
  expect(entries[0]).toEqual({ actor: 'command', action: 'account.create', address: null });
  await account(['disable', email]);
});

test('uses the catalogue of STREAMSYNC_CATALOGUE_URL without a stack', async () => {
  const environment = {
    STREAMSYNC_HOME: '/nonexistent',
    STREAMSYNC_CATALOGUE_URL: stack.postgres.catalogue,
  };
  const { code, stdout } = await account(['list'], environment);
  expect(code).toBe(0);
  expect(stdout).toContain('admin@streamsync.example');
});

test('says what is wrong with a command', async () => {
  const wrong: [string[], number, string][] = [
    [['create'], 2, 'usage'],
    [['remove', 'x@tests.example'], 2, 'usage'],
    [['create', 'x@tests.example', '--owner'], 2, 'usage'],
    [['create', 'unknown', '--role', 'owner'], 1, 'email'],
    [['disable', 'unknown@tests.example'], 1, 'not found'],
  ];
  const answers = await Promise.all(wrong.map(([args]) => account(args)));
  answers.forEach((answer, n) => {
    const [args, code, text = ''] = wrong[n] ?? [];
    expect([args, answer.code, answer.stdout]).toEqual([args, code, '']);
    expect(answer.stderr).toContain(text);
  });
});
