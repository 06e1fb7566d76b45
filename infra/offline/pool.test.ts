import { expect, jest, test } from '@jest/globals';
import type { Instance, Outcome } from './instance.ts';
import { freeName, InstancePool } from './pool.ts';

const quiet = { info() {}, notice() {}, warning() {}, error() {} };

let nextPid = 1;

class FakeInstance implements Instance {
  readonly pid = nextPid++;
  readonly startedAt = performance.now();
  readonly loaded = Promise.resolve(true);
  readonly ended: Promise<void>;
  readonly name: string;
  alive = true;
  readonly #end: () => void;

  constructor(name: string) {
    this.name = name;
    const ended = Promise.withResolvers<void>();
    this.ended = ended.promise;
    this.#end = ended.resolve;
  }

  async invoke(): Promise<Outcome> {
    return { done: true };
  }

  kill(): void {
    this.alive = false;
    this.#end();
  }
}

const poolOf = (keepWarm: number) => {
  const events: string[] = [];
  const watcher = {
    started: (name: string) => events.push(`+${name}`),
    ended: (name: string) => events.push(`-${name}`),
  };
  const settings = { key: 'f', arn: '', timeoutMs: 1000, taskRoot: '/', environment: {}, keepWarm };
  const made: FakeInstance[] = [];
  const create = (name: string): FakeInstance => {
    const instance = new FakeInstance(name);
    made.push(instance);
    return instance;
  };
  const pool = new InstancePool(settings, create, watcher, quiet);
  const newest = (): FakeInstance => {
    const last = made.at(-1);
    if (!last) throw new Error('there is no instance');
    return last;
  };
  return { pool, events, newest };
};

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('names take the smallest free number', () => {
  expect(freeName('f', new Set())).toBe('f-0');
  expect(freeName('f', new Set(['f-0', 'f-2']))).toBe('f-1');
});

test('warm instances start at once, and one that ends is replaced under its name', async () => {
  const { pool, events } = poolOf(2);
  pool.start();
  await pool.warm;
  expect(events).toEqual(['+f-0', '+f-1']);
  pool.acquire().kill('test');
  await settle();
  expect(events).toEqual(['+f-0', '+f-1', '-f-1', '+f-1']);
});

test('an instance is nobody else’s until it is released, and then used again', () => {
  const { pool, events } = poolOf(0);
  const one = pool.acquire();
  const two = pool.acquire();
  expect(two).not.toBe(one);
  pool.release(one);
  expect(pool.acquire()).toBe(one);
  expect(events).toEqual(['+f-0', '+f-1']);
});

test('beyond keepWarm, idle instances end after some minutes', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate'] });
  const { pool, events } = poolOf(1);
  pool.start();
  const [one, two] = [pool.acquire(), pool.acquire()];
  pool.release(one);
  pool.release(two);
  jest.advanceTimersByTime(10 * 60_000);
  jest.useRealTimers();
  await settle();
  expect(events.filter((event) => event.startsWith('-'))).toHaveLength(1);
  expect(pool.acquire().alive).toBe(true);
});

test('after stop nothing is left and nothing starts', async () => {
  const { pool, events } = poolOf(2);
  pool.start();
  await pool.stop(1000);
  await settle();
  expect(events).toEqual(['+f-0', '+f-1', '-f-0', '-f-1']);
});

test('instances that end as soon as they are started are followed by others at growing distances', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate'] });
  try {
    const { pool, events, newest } = poolOf(1);
    const starts = (): number => events.filter((event) => event === '+f-0').length;
    const end = async (): Promise<void> => {
      newest().kill();
      await settle();
    };
    pool.start();
    // Once may be chance.
    await end();
    expect(starts()).toBe(2);
    for (const [n, wait] of [500, 1_000, 2_000].entries()) {
      await end();
      jest.advanceTimersByTime(wait - 1);
      expect(starts()).toBe(n + 2);
      jest.advanceTimersByTime(1);
      expect(starts()).toBe(n + 3);
    }
    // One that lasted is no part of that.
    jest.advanceTimersByTime(2_000);
    await end();
    expect(starts()).toBe(6);
    await pool.stop(0);
  } finally {
    jest.useRealTimers();
  }
});
