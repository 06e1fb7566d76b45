import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { asDemo, call, createExport, download, ended, monthOfOrders } from '../support/api.ts';
import { home, readStack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** The program of `npm run dev` with the stack of a home. */
class Dev {
  readonly process: ChildProcess;
  readonly ended: Promise<number | null>;
  output = '';

  constructor(stackHome: string) {
    const environment: NodeJS.ProcessEnv = { ...process.env, STREAMSYNC_HOME: stackHome };
    // Jest sets it, and Vite would use it.
    delete environment.NODE_ENV;
    this.process = spawn(process.execPath, [join('infra', 'cli', 'dev.ts')], {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process.stdout?.on('data', (chunk) => (this.output += String(chunk)));
    this.process.stderr?.on('data', (chunk) => (this.output += String(chunk)));
    this.ended = new Promise((resolve) => this.process.once('close', resolve));
  }

  /** Waits for a line of the program's output. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    return waitFor(
      `npm run dev prints ${pattern}`,
      async () => {
        if (this.process.exitCode !== null) throw new Error(`npm run dev ended:\n${this.output}`);
        return pattern.exec(this.output) ?? undefined;
      },
      { seconds: 200 },
    );
  }
}

test('npm run dev says how to start a stack if none is running', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'streamsync-no-stack-'));
  try {
    const dev = new Dev(empty);
    expect(await dev.ended).toBe(1);
    expect(dev.output).toContain('npm start');
  } finally {
    await rm(empty, { recursive: true });
  }
});

let dev: Dev;
let address = '';

beforeAll(async () => {
  dev = new Dev(home());
  address = (await dev.line(/^ready {2}(\S+)\/$/m))[1] ?? '';
});
afterAll(async () => {
  if (dev.process.exitCode === null) dev.process.kill('SIGKILL');
  await dev.ended;
});

const pidOf = async (service: string): Promise<number | undefined> =>
  (await readStack()).processes.find(({ name }) => name === service)?.pid;
const functionsPid = () => pidOf('functions');
const authorizerPid = () => pidOf('download-authorizer');

test('npm run dev serves the page through Vite, so that edits show at once', async () => {
  const page = await (await fetch(`${address}/exports`)).text();
  expect(page).toContain('/@vite/client');
  const script = await (await fetch(`${address}/main.tsx`)).text();
  expect(script).toContain('createRoot');
});

test('npm run dev serves the API and the files of the stack', async () => {
  const headers = { ...asDemo, origin: address };
  expect((await call('GET', `${address}/api/v1/health`, { headers })).status).toBe(200);
  const { id } = await createExport(monthOfOrders);
  expect((await ended(id)).status).toBe('ready');
  const redirect = await call('GET', `${address}/api/v1/exports/${id}/file`, { headers });
  expect(redirect.headers.get('location')).toMatch(/^\/files\//);
  const file = await call('GET', `${address}/api/v1/exports/${id}/file`, {
    headers,
    redirect: 'follow',
  });
  expect(file.status).toBe(200);
  expect(file.bytes.equals((await download(id)).bytes)).toBe(true);
});

test('npm run dev restarts only the functions and the authorizer after a change of the code', async () => {
  const before = await readStack();
  const old = await functionsPid();
  const oldAuthorizer = await authorizerPid();
  const now = new Date();
  await utimes(join('handlers', 'http', 'get-health.ts'), now, now);
  await dev.line(/^functions restarted \(\d+\.\d s\)$/m);

  const restartedPid = await waitFor('stack.json names the new functions', functionsPid);
  expect(restartedPid).not.toBe(old);
  const others = ({ processes }: typeof before) =>
    // The instances of functions have numbers.
    processes.filter(({ name }) => !/^functions$|^download-authorizer$|-\d+$/.test(name));
  expect(await authorizerPid()).not.toBe(oldAuthorizer);
  expect(others(await readStack())).toEqual(others(before));
  expect((await call('GET', `${address}/api/v1/health`)).status).toBe(200);
  const { id } = await createExport(monthOfOrders);
  expect((await ended(id)).status).toBe('ready');
});

test('Ctrl-C ends npm run dev and leaves the stack running', async () => {
  const functions = await functionsPid();
  dev.process.kill('SIGINT');
  expect(await dev.ended).toBe(0);
  expect((await call('GET', '/health')).status).toBe(200);
  expect(await functionsPid()).toBe(functions);
});
