import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readSecrets } from '../support/secrets.ts';
import { home, readStack, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

interface Answer {
  code: number | null;
  output: string;
  lines: string[];
}

const doctor = (of: string): Promise<Answer> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join('infra', 'cli', 'doctor.ts')],
      { env: { ...process.env, STREAMSYNC_HOME: of }, timeout: 120_000 },
      (_, stdout, stderr) => {
        const output = stdout + stderr;
        resolve({ code: child.exitCode, output, lines: output.trimEnd().split('\n') });
      },
    );
  });

/** Returns the line of a check and the line below it. */
const of = ({ lines }: Answer, name: string): [string, string] => {
  const at = lines.findIndex((line) => line.slice(5, 32).trimEnd() === name);
  return [lines[at] ?? `nothing about ${name}`, lines[at + 1] ?? ''];
};

let other = '';
beforeAll(async () => {
  other = await mkdtemp(join(tmpdir(), 'streamsync-doctor-home-'));
});
afterAll(() => rm(other, { recursive: true }));

test('doctor reports no failure for a healthy stack', async () => {
  // Another suite may just have stopped a service of the stack.
  const answer = await waitFor(
    'doctor reports no failure',
    async () => {
      const now = await doctor(home());
      return now.code === 0 ? now : undefined;
    },
    { seconds: 40, everyMs: 1_000 },
  );
  expect(answer.output).not.toMatch(/^FAIL/m);
  for (const name of [
    'java',
    'nginx',
    'python',
    'kafka jars',
    'localstack venv',
    'disk',
    'stack',
    'processes',
    'api',
    'source sales',
    'source iot',
    'storage',
    'catalogue',
    'migrations',
    'exports',
    'outbox',
    'slots',
    'kafka',
    'group accept-export-request',
    'group export-worker',
    'group ingest-readings',
    'group live-fanout',
    'exports.work.dlq',
    'readings.dlq',
    'default partition',
    'live connections',
  ])
    expect(of(answer, name)[0]).toMatch(/^(ok|warn) /);
  expect(of(answer, 'group export-worker')[0]).toMatch(/exports\.work lag \d+/);
  expect(answer.lines.at(-1)).toMatch(/^\d+ checks: \d+ ok, \d+ warn, 0 FAIL$/);
});

test('doctor reports a health problem as the API does, with what to do', async () => {
  const slots = (closedUntil: string) =>
    sql(
      stack.postgres.catalogue,
      `update slots set closed_offset = 9000000000, closed_until = ${closedUntil}`,
    );
  await slots(`now() + interval '2 minutes'`);
  await sql(
    stack.postgres.catalogue,
    `insert into outbox (event_id, topic, failed_at) values (gen_random_uuid(), 'nowhere', now())`,
  );
  try {
    // The API caches its health for two seconds, so the first answer may be of an earlier suite.
    const answer = await waitFor('the API reports the closed slots', async () => {
      const now = await doctor(home());
      return /^warn api .*degraded: .*slots are closed/.test(of(now, 'api')[0] ?? '')
        ? now
        : undefined;
    });
    expect(answer.code).toBe(1);
    const [closed, opens] = of(answer, 'health slots_closed');
    expect(closed).toMatch(/^warn .* 4 of 4 slots are closed/);
    expect(opens).toMatch(/^ +they open by themselves/);
    const [what, todo] = of(answer, 'health outbox_set_aside');
    expect(what).toMatch(/^FAIL /);
    expect(todo).toMatch(/failed_at is not null/);
  } finally {
    await slots('null');
    await sql(stack.postgres.catalogue, `delete from outbox where topic = 'nowhere'`);
  }
});

test('doctor prints no secret', async () => {
  const { output } = await doctor(home());
  for (const secret of Object.values(await readSecrets())) expect(output).not.toContain(secret);
});

test('doctor tells how to start a stack in an empty home', async () => {
  const answer = await doctor(other);
  expect(answer.code).toBe(1);
  const [what, todo] = of(answer, 'stack');
  expect(what).toMatch(/^FAIL stack/);
  expect(todo).toMatch(/^ +STREAMSYNC_HOME=\S+ npm start$/);
  expect(answer.lines.at(-1)).toMatch(/, 1 FAIL$/);
});

test('doctor names a dead process and a service that does not answer, within its time limit', async () => {
  const running = await readStack();
  for (const name of ['secrets.json', 'signing-keys.json'])
    await copyFile(join(home(), name), join(other, name));
  await writeFile(
    join(other, 'stack.json'),
    JSON.stringify({
      ...running,
      // A process id above the maximum, and a port on which no process listens.
      processes: [...running.processes, { name: 'export-worker-9', pid: 2 ** 30 }],
      kafka: { brokers: ['127.0.0.1:1'] },
    }),
  );
  // A doctor that is killed at its time limit would have no exit code.
  const answer = await doctor(other);
  expect(answer.code).toBe(1);
  expect(of(answer, 'processes')[0]).toMatch(/^FAIL processes .*export-worker-9/);
  const [what, todo] = of(answer, 'kafka');
  expect(what).toMatch(/^FAIL kafka /);
  expect(todo).toMatch(/^ +\S.*kafka\.log$/);
  expect(of(answer, 'catalogue')[0]).toMatch(/^ok /);
});
