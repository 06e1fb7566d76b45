import { expect, jest, test } from '@jest/globals';
import type { Instance, InvocationResult } from './instance.ts';
import { InstancePool, nextInstanceName } from './pool.ts';
import { testFunction } from './testing/settings.ts';

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

  async invoke(): Promise<InvocationResult> {
    return { done: true };
  }

  kill(): void {
    this.alive = false;
    this.#end();
  }
}

function poolOf(keepWarm: number) {
  const events: string[] = [];
  const watcher = {
    started: (name: string) => events.push(`+${name}`),
    ended: (name: string) => events.push(`-${name}`),
  };
  const settings = testFunction({ keepWarm });
  const created: FakeInstance[] = [];
  const create = (name: string): FakeInstance => {
    const instance = new FakeInstance(name);
    created.push(instance);
    return instance;
  };
  const pool = new InstancePool(settings, create, watcher, quiet);
  const newest = (): FakeInstance => {
    const last = created.at(-1);
    if (!last) throw new Error('no instance was created');
    return last;
  };
  return { pool, events, newest };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('nextInstanceName uses the smallest free number', () => {
  expect(nextInstanceName('f', new Set())).toBe('f-0');
  expect(nextInstanceName('f', new Set(['f-0', 'f-2']))).toBe('f-1');
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

test('acquire returns another instance until the first is released, then reuses it', () => {
  const { pool, events } = poolOf(0);
  const one = pool.acquire();
  const two = pool.acquire();
  expect(two).not.toBe(one);
  pool.release(one);
  expect(pool.acquire()).toBe(one);
  expect(events).toEqual(['+f-0', '+f-1']);
});

test('idle instances beyond keepWarm end after 5 minutes', async () => {
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

test('stop ends all instances, and no other starts', async () => {
  const { pool, events } = poolOf(2);
  pool.start();
  await pool.stop(1000);
  await settle();
  expect(events).toEqual(['+f-0', '+f-1', '-f-0', '-f-1']);
});

test('instances that end right after their start are replaced with growing delays', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate'] });
  const random = jest.spyOn(Math, 'random').mockReturnValue(0);
  try {
    const { pool, events, newest } = poolOf(1);
    const starts = (): number => events.filter((event) => event === '+f-0').length;
    const end = async (): Promise<void> => {
      newest().kill();
      await settle();
    };
    pool.start();
    // A single early end causes no delay.
    await end();
    expect(starts()).toBe(2);
    for (const [n, wait] of [500, 1_000, 2_000].entries()) {
      await end();
      jest.advanceTimersByTime(wait - 1);
      expect(starts()).toBe(n + 2);
      jest.advanceTimersByTime(1);
      expect(starts()).toBe(n + 3);
    }
    // An instance that lasted resets the delay.
    jest.advanceTimersByTime(2_000);
    await end();
    expect(starts()).toBe(6);
    await pool.stop(0);
  } finally {
    random.mockRestore();
    jest.useRealTimers();
  }
});
