import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { Turns } from './turns.ts';

/** Work that runs until it is told to end. */
function tracked(turns: Turns) {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const ask = (caller: string, name: string): Promise<string> =>
    turns.run(caller, () => {
      started.push(name);
      return new Promise((resolve) => ends.set(name, () => resolve(name)));
    });
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await setImmediate();
  };
  return { started, ask, end };
}

describe('Turns', () => {
  test('lets no more run at a time than it may', async () => {
    const { started, ask, end } = tracked(
      new Turns({ running: 2, waiting: 10, waitingOfCaller: 10 }),
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

  test('serves a caller with one before the rest of a caller with many', async () => {
    const { started, ask, end } = tracked(
      new Turns({ running: 1, waiting: 10, waitingOfCaller: 10 }),
    );
    const all = [ask('many', 'm1'), ask('many', 'm2'), ask('many', 'm3'), ask('one', 'o1')];
    for (const name of ['m1', 'm2', 'o1', 'm3']) await end(name);
    await Promise.all(all);
    expect(started).toEqual(['m1', 'm2', 'o1', 'm3']);
  });

  test('refuses at once whoever finds too many waiting, of all or of its own', async () => {
    const { ask, end } = tracked(new Turns({ running: 1, waiting: 3, waitingOfCaller: 2 }));
    const all = [ask('x', 'run'), ask('x', '1'), ask('x', '2')];
    await expect(ask('x', '3')).rejects.toMatchObject({ code: 'unavailable', status: 503 });
    all.push(ask('y', '4'));
    await expect(ask('z', '5')).rejects.toMatchObject({ code: 'unavailable' });
    for (const name of ['run', '1', '4', '2']) await end(name);
    await Promise.all(all);
  });

  test('gives the place on when the work fails', async () => {
    const turns = new Turns({ running: 1, waiting: 1, waitingOfCaller: 1 });
    const failing = turns.run('x', () => Promise.reject(new Error('no')));
    const next = turns.run('x', async () => 'done');
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('done');
  });

  test('lets one caller have no more at a time than it may, and passes over it while it waits', async () => {
    const { started, ask, end } = tracked(new Turns({ running: 3, runningOfCaller: 2 }));
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

  test('tells whoever waits too long, and keeps no place for it', async () => {
    const turns = new Turns({ runningOfCaller: 1, waitingOfCaller: 1 });
    expect(await turns.take('x', 1_000)).toBe(true);
    expect(await turns.take('x', 1)).toBe(false);
    const waits = turns.take('x', 60_000);
    expect(await turns.take('y', 0)).toBe(true);
    turns.end('x');
    expect(await waits).toBe(true);
    turns.end('x');
    expect(await turns.take('x', 0)).toBe(true);
  });
});
