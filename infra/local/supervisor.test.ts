import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { waitFor } from '../../tests/support/wait-for.ts';
import { Supervisor } from './supervisor.ts';

let logs = '';
let supervisor: Supervisor;
beforeEach(async () => {
  logs = await mkdtemp(join(tmpdir(), 'streamsync-logs-'));
  supervisor = new Supervisor(logs);
});
afterEach(async () => {
  await supervisor.stop('sample');
  await rm(logs, { recursive: true });
});

function specOf(script: string) {
  return {
    name: 'sample',
    command: process.execPath,
    args: ['-e', script],
    env: process.env,
    cwd: logs,
    stopSeconds: 5,
  };
}
const runs = 'setInterval(() => {}, 1000)';
const fails = 'console.error("no configuration"); process.exit(3)';
const names = (): string[] => supervisor.processes().map(({ name }) => name);

test('a service that ends aborts the stack with the end of its log', async () => {
  const { exited } = await supervisor.start(specOf(fails));
  await exited;
  expect(supervisor.signal.reason).toMatchObject({
    message: expect.stringContaining('exit code 3'),
    details: ['no configuration'],
  });
});

test('a service on probation that ends does not abort the stack, and can be started again', async () => {
  const { exited } = await supervisor.start(specOf(fails), { probation: true });
  await exited;
  expect(supervisor.signal.aborted).toBe(false);
  expect(() => supervisor.promote('sample')).toThrow('sample ended');
  expect(names()).toEqual(['supervisor']);

  await supervisor.start(specOf(runs), { probation: true });
  supervisor.promote('sample');
  expect(names()).toEqual(['supervisor', 'sample']);
});

test('a promoted service that ends aborts the stack', async () => {
  const service = await supervisor.start(specOf(runs), { probation: true });
  supervisor.promote('sample');
  process.kill(service.pid, 'SIGKILL');
  await service.exited;
  expect(supervisor.signal.aborted).toBe(true);
});

test('stop of one service does not abort the stack', async () => {
  await supervisor.start(specOf(runs));
  await supervisor.stop('sample');
  expect(supervisor.signal.aborted).toBe(false);
  expect(names()).toEqual(['supervisor']);
});

test('a service that is kept running is started again when it was killed', async () => {
  await supervisor.keepRunning(specOf(runs));
  const pidOf = () => supervisor.processes().find(({ name }) => name === 'sample')?.pid;
  const first = pidOf();
  if (first === undefined) throw new Error('the service did not start');
  process.kill(first, 'SIGKILL');
  const second = await waitFor('it runs again', async () => {
    const pid = pidOf();
    return pid === first ? undefined : pid;
  });
  expect(second).toEqual(expect.any(Number));
  expect(supervisor.signal.aborted).toBe(false);
  supervisor.abort(new Error('stop'));
});
