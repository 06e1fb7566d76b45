import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import type { KafkaEvent } from './event.ts';
import type { FunctionSettings } from './function-settings.ts';
import { InstanceProcess } from './instance.ts';
import { testFunction } from './testing/settings.ts';

const handlers: Record<string, string> = {
  'fine.ts': `
    let calls: number = 0;
    export const handler = async (event: { records: object }, context: { getRemainingTimeInMillis(): number; functionName: string; callbackWaitsForEmptyEventLoop: boolean }) => {
      calls += 1;
      const remaining = context.getRemainingTimeInMillis();
      if (calls > 2 || remaining <= 0 || remaining > 1500 || context.functionName !== 'name' || !context.callbackWaitsForEmptyEventLoop) throw new Error('unexpected');
    };`,
  'throws.ts': `export const handler = async () => { throw new TypeError('no'); };`,
  'answers.ts': `export const handler = async () => ({ batchItemFailures: [], at: new Date(0), left: undefined });`,
  'circular.ts': `export const handler = async () => { const it = {}; it.it = it; return it; };`,
  'huge.ts': `export const handler = async () => 'x'.repeat(6 * 1024 * 1024);`,
  'eats.cjs': `exports.handler = async () => {
    const kept = [];
    while (kept.length < 100) {
      kept.push(Buffer.alloc(16 * 1024 * 1024, 1));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };`,
  'heap.cjs': `exports.handler = async () => require('node:v8').getHeapStatistics().heap_size_limit;`,
  'ticks.cjs': `exports.handler = async () => { setInterval(() => {}, 1); };`,
  'environment.cjs': `exports.handler = async () => Object.keys(process.env);`,
  'hangs.ts': `export const handler = () => new Promise(() => setInterval(() => {}, 1000));`,
  'spins.ts': `export const handler = () => { for (;;); };`,
  'exits.ts': `export const handler = () => process.exit(3);`,
  'broken.ts': `throw new Error('at load');`,
  'callback.ts': `export const handler = (event: unknown, context: unknown, callback: () => void) => callback();`,
  'waits.ts': `await new Promise(() => setInterval(() => {}, 1000));`,
  'old.cjs': `exports.outer = { handler: async () => {} };`,
};

const event: KafkaEvent = {
  eventSource: 'aws:kafka',
  eventSourceArn: '',
  bootstrapServers: '',
  records: {},
};
const directory = mkdtempSync(path.join(tmpdir(), 'offline-instance-'));
const started: InstanceProcess[] = [];

beforeAll(() => {
  for (const [file, text] of Object.entries(handlers)) {
    writeFileSync(path.join(directory, file), text);
  }
});

afterEach(async () => {
  for (const instance of started) instance.kill('test ended');
  await Promise.all(started.splice(0).map(({ ended }) => ended));
}, 30_000);

afterAll(() => rmSync(directory, { recursive: true }));

interface Options {
  taskRoot?: string;
  settings?: Partial<FunctionSettings>;
  /** Further variables of the process. */
  environment?: Record<string, string>;
}

function start(
  handler: string,
  { taskRoot = directory, settings: changed = {}, environment = {} }: Options = {},
): InstanceProcess {
  const settings = testFunction({
    timeoutMs: 1500,
    taskRoot,
    environment: {
      _HANDLER: handler,
      LAMBDA_TASK_ROOT: directory,
      AWS_LAMBDA_FUNCTION_NAME: 'name',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/name',
      ...environment,
    },
    ...changed,
  });
  const instance = new InstanceProcess('f-0', settings);
  started.push(instance);
  return instance;
}

test('one process serves several invocations in sequence', async () => {
  const instance = start('fine.handler');
  expect(await instance.invoke(event)).toEqual({ done: true, response: null });
  expect(await instance.invoke(event)).toEqual({ done: true, response: null });
  expect(instance.alive).toBe(true);
});

test('a handler that throws fails the invocation, not the process', async () => {
  const instance = start('throws.handler');
  expect(await instance.invoke(event)).toEqual({ done: false, reason: 'TypeError: no' });
  expect(instance.alive).toBe(true);
});

test('a process leaves its code in the cache of Node, although it is killed', async () => {
  const cache = path.join(directory, 'cache');
  const instance = start('throws.handler', { environment: { NODE_COMPILE_CACHE: cache } });
  expect(await instance.loaded).toBe(true);
  instance.kill('test ends');
  await instance.ended;
  const files = readdirSync(cache, { recursive: true, withFileTypes: true });
  expect(files.filter((it) => it.isFile()).length).toBeGreaterThan(1);
});

test.each(['hangs.handler', 'spins.handler'])('%s is killed at the timeout', async (handler) => {
  const instance = start(handler);
  const result = await instance.invoke(event);
  expect(result).toMatchObject({ reason: expect.stringContaining('timed out after 1.50 s') });
  expect(instance.alive).toBe(false);
});

test('an invocation fails when its process ends', async () => {
  expect(await start('exits.handler').invoke(event)).toEqual({
    done: false,
    reason: 'exited with 3',
  });
  const killed = start('hangs.handler');
  await killed.loaded;
  const result = killed.invoke(event);
  if (killed.pid !== undefined) process.kill(killed.pid, 'SIGKILL');
  expect(await result).toEqual({ done: false, reason: 'ended by SIGKILL' });
});

test.each(['broken.handler', 'missing.handler', 'fine.missing', 'callback.handler'])(
  'an invocation of %s, which cannot be loaded, fails',
  async (handler) => {
    expect(await start(handler).invoke(event)).toMatchObject({ done: false, unloaded: true });
  },
);

test('an invocation fails when its process cannot be started', async () => {
  const instance = start('fine.handler', { taskRoot: path.join(directory, 'nowhere') });
  expect(await instance.invoke(event)).toEqual({
    done: false,
    reason: expect.stringContaining('ENOENT'),
    unloaded: true,
  });
  expect(instance.alive).toBe(false);
}, 30_000);

test('a handler that does not finish loading is killed 10 seconds after the timeout of its function', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  try {
    const instance = start('waits.handler');
    const result = instance.invoke(event);
    jest.advanceTimersByTime(11_400);
    expect(instance.alive).toBe(true);
    const reason = 'initialisation timed out before the handler was loaded';
    const onResult = jest.fn();
    void result.then(onResult);
    await new Promise((resolve) => setImmediate(resolve));
    expect(onResult).not.toHaveBeenCalled();
    jest.advanceTimersByTime(200);
    expect(await result).toEqual({ done: false, reason, unloaded: true });
  } finally {
    jest.useRealTimers();
  }
}, 30_000);

test('invoke calls a nested export of a CommonJS module', async () => {
  expect(await start('old.outer.handler').invoke(event)).toEqual({ done: true, response: null });
});

test('an invocation has what the handler returned, as JSON', async () => {
  const response = { batchItemFailures: [], at: '1970-01-01T00:00:00.000Z' };
  expect(await start('answers.handler').invoke(event)).toEqual({ done: true, response });
});

test.each([
  ['circular.handler', 'TypeError: Converting circular structure to JSON'],
  ['huge.handler', 'Error: Function.ResponseSizeTooLarge'],
])('an invocation of %s fails: its result has no JSON, or too much', async (handler, reason) => {
  const instance = start(handler);
  expect(await instance.invoke(event)).toEqual({
    done: false,
    reason: expect.stringContaining(reason),
  });
  expect(instance.alive).toBe(true);
});

test('a process has the variables of its function, and not those of Serverless', async () => {
  process.env['KAFKA_SOURCE_MARK'] = 'of Serverless';
  const result = await start('environment.handler').invoke(event);
  delete process.env['KAFKA_SOURCE_MARK'];
  const names = result.done ? result.response : undefined;
  expect(names).toContain('LAMBDA_TASK_ROOT');
  expect(names).not.toContain('KAFKA_SOURCE_MARK');
});

test('a process that needs more than its memorySize is killed', async () => {
  const instance = start('eats.handler', { settings: { memoryMb: 200, timeoutMs: 60_000 } });
  const result = await instance.invoke(event);
  expect(result).toEqual({
    done: false,
    reason: expect.stringMatching(/^Runtime\.ExitError: .* of 200 MB of memory$/),
  });
  expect(instance.alive).toBe(false);
});

test('the heap of V8 is limited to 90 % of memorySize', async () => {
  const limitOf = async (memoryMb: number): Promise<number> => {
    const instance = start('heap.handler', { settings: { memoryMb } });
    const result = await instance.invoke(event);
    return result.done ? Number(result.response) / 1024 ** 2 : NaN;
  };
  // The young generation is not part of the limit.
  expect((await limitOf(1200)) - (await limitOf(200))).toBeCloseTo(900, 0);
});

test('with freeze a process is stopped until its next invocation', async () => {
  const instance = start('ticks.handler', { settings: { freezes: true } });
  const stateOf = (pid = 0): string | undefined =>
    readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.charAt(0);
  const waitForState = async (state: string): Promise<void> => {
    while (stateOf(instance.pid) !== state) await new Promise((done) => setTimeout(done, 10));
  };
  await instance.loaded;
  await waitForState('T');
  expect(await instance.invoke(event)).toEqual({ done: true, response: null });
  await waitForState('T');
  expect(await instance.invoke(event)).toEqual({ done: true, response: null });
  await waitForState('T');
  instance.kill('test ended');
  await instance.ended;
}, 30_000);

test('a debugger reaches the first instance, which has no time limit', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const inspectPort = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise((resolve) => server.close(resolve));

  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  try {
    const instance = start('hangs.handler', { settings: { inspectPort } });
    await instance.loaded;
    const answer = await fetch(`http://127.0.0.1:${inspectPort}/json/list`);
    expect(await answer.json()).toMatchObject([{ type: 'node' }]);
    const kill = jest.spyOn(instance, 'kill');
    void instance.invoke(event);
    await new Promise((resolve) => setImmediate(resolve));
    jest.advanceTimersByTime(3_600_000);
    expect(kill).not.toHaveBeenCalled();
  } finally {
    jest.useRealTimers();
  }
}, 30_000);
