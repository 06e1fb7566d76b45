import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Supervisor } from './supervisor.ts';

let logs = '';
let supervisor: Supervisor;
beforeEach(async () => {
  logs = await mkdtemp(join(tmpdir(), 'streamsync-logs-'));
  supervisor = new Supervisor(logs);
});
afterEach(async () => {
  await supervisor.stop('part');
  await rm(logs, { recursive: true });
});

const part = (script: string) => ({
  name: 'part',
  command: process.execPath,
  args: ['-e', script],
  env: process.env,
  cwd: logs,
  stopSeconds: 5,
});
const runs = 'setInterval(() => {}, 1000)';
const fails = 'console.error("out of luck"); process.exit(3)';
const names = (): string[] => supervisor.processes().map(({ name }) => name);

test('the end of a part is the end of the stack, and its log says why', async () => {
  const { exited } = await supervisor.start(part(fails));
  await exited;
  expect(supervisor.signal.reason).toMatchObject({
    message: expect.stringContaining('exit code 3'),
    details: ['out of luck'],
  });
});

test('the end of a part on trial is not; another may follow it', async () => {
  const { exited } = await supervisor.start(part(fails), { onTrial: true });
  await exited;
  expect(supervisor.signal.aborted).toBe(false);
  expect(() => supervisor.trust('part')).toThrow('part ended');
  expect(names()).toEqual(['supervisor']);

  await supervisor.start(part(runs), { onTrial: true });
  supervisor.trust('part');
  expect(names()).toEqual(['supervisor', 'part']);
});

test('once trusted it counts again', async () => {
  const service = await supervisor.start(part(runs), { onTrial: true });
  supervisor.trust('part');
  process.kill(service.pid, 'SIGKILL');
  await service.exited;
  expect(supervisor.signal.aborted).toBe(true);
});

test('a part that is stopped leaves the others alone', async () => {
  await supervisor.start(part(runs));
  await supervisor.stop('part');
  expect(supervisor.signal.aborted).toBe(false);
  expect(names()).toEqual(['supervisor']);
});
