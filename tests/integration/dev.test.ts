import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { asDemo, call, createExport, download, ended, monthOfOrders } from '../stack/api.ts';
import { home, readStack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

/** `npm run dev`'s program beside the stack of a home. */
class Dev {
  readonly process: ChildProcess;
  readonly ended: Promise<number | null>;
  output = '';

  constructor(stackHome: string) {
    const environment: NodeJS.ProcessEnv = { ...process.env, STREAMSYNC_HOME: stackHome };
    // Jest's own; Vite would take it over.
    delete environment.NODE_ENV;
    this.process = spawn(process.execPath, [join('infra', 'local', 'dev.ts')], {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process.stdout?.on('data', (chunk) => (this.output += String(chunk)));
    this.process.stderr?.on('data', (chunk) => (this.output += String(chunk)));
    this.ended = new Promise((resolve) => this.process.once('close', resolve));
  }

  /** What it prints, as soon as it does. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    return until(
      `npm run dev prints ${pattern}`,
      async () => {
        if (this.process.exitCode !== null) throw new Error(`it ended:\n${this.output}`);
        return pattern.exec(this.output) ?? undefined;
      },
      { seconds: 200 },
    );
  }
}

test('without a stack it says how to start one', async () => {
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

const functionsPid = async (): Promise<number | undefined> =>
  (await readStack()).processes.find(({ name }) => name === 'functions')?.pid;

test('the page is served by Vite as it is edited', async () => {
  const page = await (await fetch(`${address}/exports`)).text();
  expect(page).toContain('/@vite/client');
  const script = await (await fetch(`${address}/main.tsx`)).text();
  expect(script).toContain('createRoot');
});

test('the API and the files are those of the stack', async () => {
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

test('a change of the code starts the functions anew, and nothing else', async () => {
  const before = await readStack();
  const old = await functionsPid();
  const now = new Date();
  await utimes(join('handlers', 'http', 'health.ts'), now, now);
  await dev.line(/^functions restarted \(\d+\.\d s\)$/m);

  const fresh = await until('stack.json names them', functionsPid);
  expect(fresh).not.toBe(old);
  const others = ({ processes }: typeof before) =>
    processes.filter(({ name }) => !/^(functions|export-worker|accept-export)/.test(name));
  expect(others(await readStack())).toEqual(others(before));
  expect((await call('GET', `${address}/api/v1/health`)).status).toBe(200);
  const { id } = await createExport(monthOfOrders);
  expect((await ended(id)).status).toBe('ready');
});

test('Ctrl-C ends it alone', async () => {
  const functions = await functionsPid();
  dev.process.kill('SIGINT');
  expect(await dev.ended).toBe(0);
  expect((await call('GET', '/health')).status).toBe(200);
  expect(await functionsPid()).toBe(functions);
});
