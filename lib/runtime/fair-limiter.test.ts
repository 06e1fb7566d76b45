import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { FairLimiter } from './fair-limiter.ts';

/** Returns functions that start work in a limiter and end it by name, and the names that have started. */
function track(limiter: FairLimiter) {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const ask = (caller: string, name: string): Promise<string> =>
    limiter.run(caller, () => {
      started.push(name);
      return new Promise((resolve) => ends.set(name, () => resolve(name)));
    });
  const end = async (name: string): Promise<void> => {
    await setImmediate();
    const endWork = ends.get(name);
    if (!endWork) throw new Error(`${name} has not started`);
    endWork();
    await setImmediate();
  };
  return { started, ask, end };
}

test('FairLimiter runs at most `running` at a time', async () => {
  const { started, ask, end } = track(
    new FairLimiter({ running: 2, waiting: 10, waitingOfCaller: 10 }),
  );
  const all = ['a', 'b', 'c', 'd'].map((name) => ask('one', name));
  await setImmediate();
  expect(started).toEqual(['a', 'b']);
  await end('a');
  expect(started).toEqual(['a', 'b', 'c']);
  await end('c');
  await end('b');
  await end('d');
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
  const again = [ask('one', 'e'), ask('one', 'f'), ask('one', 'g')];
  await setImmediate();
  expect(started.slice(4)).toEqual(['e', 'f']);
  await end('e');
  await end('f');
  await end('g');
  await Promise.all(again);
});

test('FairLimiter serves a caller with one request before the remaining requests of another', async () => {
  const { started, ask, end } = track(
    new FairLimiter({ running: 1, waiting: 10, waitingOfCaller: 10 }),
  );
  const all = [ask('many', 'm1'), ask('many', 'm2'), ask('many', 'm3'), ask('one', 'o1')];
  for (const name of ['m1', 'm2', 'o1', 'm3']) await end(name);
  await Promise.all(all);
  expect(started).toEqual(['m1', 'm2', 'o1', 'm3']);
});

test('FairLimiter throws at once when too many requests wait, of one caller or of all', async () => {
  const { ask, end } = track(new FairLimiter({ running: 1, waiting: 3, waitingOfCaller: 2 }));
  const all = [ask('x', 'run'), ask('x', '1'), ask('x', '2')];
  await expect(ask('x', '3')).rejects.toMatchObject({ code: 'unavailable', status: 503 });
  all.push(ask('y', '4'));
  await expect(ask('z', '5')).rejects.toMatchObject({ code: 'unavailable' });
  for (const name of ['run', '1', '4', '2']) await end(name);
  await Promise.all(all);
});

test('FairLimiter starts the next work when one fails', async () => {
  const limiter = new FairLimiter({ running: 1, waiting: 1, waitingOfCaller: 1 });
  const failing = limiter.run('x', () => Promise.reject(new Error('no')));
  const next = limiter.run('x', async () => 'done');
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('done');
});

test('FairLimiter runs at most `runningOfCaller` of one caller, and serves others meanwhile', async () => {
  const { started, ask, end } = track(new FairLimiter({ running: 3, runningOfCaller: 2 }));
  const all = ['m1', 'm2', 'm3'].map((name) => ask('many', name));
  all.push(ask('one', 'o1'));
  await setImmediate();
  expect(started).toEqual(['m1', 'm2', 'o1']);
  all.push(ask('one', 'o2'));
  await end('o1');
  expect(started.slice(3)).toEqual(['o2']);
  await end('m1');
  expect(started.slice(4)).toEqual(['m3']);
  for (const name of ['m2', 'm3', 'o2']) await end(name);
  await Promise.all(all);
});

test('FairLimiter.acquire returns undefined after its timeout, and leaves the queue', async () => {
  const limiter = new FairLimiter({ runningOfCaller: 1, waitingOfCaller: 1 });
  const endFirst = await limiter.acquire('x', 1_000);
  expect(endFirst).toBeDefined();
  expect(await limiter.acquire('x', 1)).toBeUndefined();
  const waiting = limiter.acquire('x', 60_000);
  expect(await limiter.acquire('y', 0)).toBeDefined();
  endFirst?.();
  const endSecond = await waiting;
  expect(endSecond).toBeDefined();
  endSecond?.();
  expect(await limiter.acquire('x', 0)).toBeDefined();
});

test('a turn of FairLimiter that is ended twice frees one place', async () => {
  const limiter = new FairLimiter({ running: 1 });
  const endTurn = await limiter.acquire('x');
  endTurn();
  endTurn();
  expect(await limiter.acquire('x', 1)).toBeDefined();
  expect(await limiter.acquire('x', 1)).toBeUndefined();
});
