import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { processIdentity } from '../bootstrap/pid-lock.mjs';
import { StackError } from './errors.ts';
import { lastLines, run, startService, waitFor } from './processes.ts';

const never = new AbortController().signal;

test('run throws the end of the output of a command that fails', async () => {
  const failing = run({
    what: 'counting',
    command: 'sh',
    args: ['-c', 'echo one; echo two >&2; exit 3'],
    env: process.env,
    cwd: '/',
    seconds: 10,
    signal: never,
  });
  await expect(failing).rejects.toThrow(/counting failed: exit code 3/);
  await failing.catch((error: unknown) =>
    expect(error instanceof StackError && [...error.details].toSorted()).toEqual(['one', 'two']),
  );
});

test('run ends a command that takes too long', async () => {
  const slow = run({
    what: 'sleeping',
    command: 'sleep',
    args: ['60'],
    env: process.env,
    cwd: '/',
    seconds: 0.1,
    signal: never,
  });
  await expect(slow).rejects.toThrow(/not done after 0.1 s/);
});

test('run ends the command and throws the reason of an abort', async () => {
  const controller = new AbortController();
  const slow = run({
    what: 'sleeping',
    command: 'sleep',
    args: ['60'],
    env: process.env,
    cwd: '/',
    seconds: 60,
    signal: controller.signal,
  });
  controller.abort(new Error('enough'));
  await expect(slow).rejects.toThrow('enough');
});

test('waitFor repeats the check until it returns a result, and throws the last error after the timeout', async () => {
  let calls = 0;
  expect(
    await waitFor('no third call', { seconds: 5, signal: never, everyMs: 1 }, () =>
      ++calls === 3 ? calls : undefined,
    ),
  ).toBe(3);
  const failing = waitFor('no answer', { seconds: 0.02, signal: never, everyMs: 5 }, () => {
    throw new Error('refused');
  });
  await failing.catch((error: unknown) =>
    expect(error instanceof StackError && error.details).toEqual(['refused']),
  );
  await expect(failing).rejects.toThrow('no answer within 0.02 s');
});

test('stop kills a service that ignores the signal, with its children; the next start keeps its log', async () => {
  const logs = mkdtempSync(join(tmpdir(), 'streamsync-processes-'));
  const start = () =>
    startService({
      name: 'stubborn',
      command: 'sh',
      args: ['-c', 'trap "" TERM; sleep 600 & echo $!; wait'],
      env: process.env,
      cwd: '/',
      logs,
      stopSeconds: 0.2,
    });
  try {
    const service = await start();
    const child = await waitFor(
      'the child did not start',
      { seconds: 5, signal: never },
      () => Number(readFileSync(service.log, 'utf8')) || undefined,
    );
    await service.stop();
    expect(await service.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await waitFor(
      'the child did not end',
      { seconds: 5, signal: never },
      () => processIdentity(child) === undefined || undefined,
    );
    await (await start()).stop();
    expect(Number(readFileSync(`${service.log}.1`, 'utf8'))).toBe(child);
  } finally {
    rmSync(logs, { recursive: true });
  }
});

test('lastLines leaves out empty lines', () => {
  expect(lastLines('a\n\nb \nc\n', 2)).toEqual(['b', 'c']);
});
