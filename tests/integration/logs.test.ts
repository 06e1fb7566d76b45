import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { asOther, call, createExport, ended, monthOfOrders, ticketFor } from '../support/api.ts';
import { consume, produce, requested, resultOf } from '../support/events.ts';
import { credentials, home } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

interface Answer {
  code: number | null;
  stdout: string;
  stderr: string;
  lines: string[];
}

const command = (name: string, args: string[], of = home()): Promise<Answer> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join('infra', 'cli', `${name}.ts`), ...args],
      { env: { ...process.env, STREAMSYNC_HOME: of }, timeout: 30_000, maxBuffer: 1 << 26 },
      (_, stdout, stderr) =>
        resolve({ code: child.exitCode, stdout, stderr, lines: stdout.trimEnd().split('\n') }),
    );
  });

const logs = (args: string[], of?: string): Promise<Answer> => command('logs', args, of);

let id = '';
let ticket = '';
let other = '';
beforeAll(async () => {
  other = await mkdtemp(join(tmpdir(), 'streamsync-logs-home-'));
  id = (await createExport(monthOfOrders)).id;
  await ended(id);
  const url = await ticketFor(id);
  ticket = new URL(url).pathname.split('/')[2] ?? '';
  expect((await call('GET', url)).status).toBe(200);
  expect((await call('GET', url, { headers: asOther })).status).toBe(403);
});
afterAll(() => rm(other, { recursive: true }));

/** Waits, because NGINX logs a transfer a moment after the client has its last byte. */
const timeline = (of?: string): Promise<Answer> =>
  waitFor('both downloads are in the log', async () => {
    const answer = await logs([id], of);
    return answer.stdout.split('nginx       download').length > 2 ? answer : undefined;
  });

test('the timeline of an export has its steps from request to download in chronological order', async () => {
  const { code, lines, stderr } = await timeline();
  expect([code, stderr]).toEqual([0, '']);
  const times = lines.map((line) => line.slice(0, 24));
  for (const time of times) expect(new Date(time).toISOString()).toBe(time);
  expect(times).toEqual(times.toSorted());

  const steps = [
    /catalogue {3}created {2}owner=demo@\S+ .*dataset=orders/,
    /outbox {6}accepted {2}topic=exports\.results/,
    /outbox {6}dispatched {2}topic=exports\.work partition=\d/,
    /catalogue {3}attempt started {2}attemptId=\S+ partition=\d+ offset=\d+/,
    /catalogue {3}attempt done/,
    /catalogue {3}ready {2}name=orders_\S+ bytes=\d+ rows=\d+/,
    /outbox {6}completed {2}topic=exports\.results/,
    /catalogue {3}download link created/,
    /catalogue {3}download link used for the first time/,
    /nginx {7}download {2}method=GET path=\/files\/-\/orders_\S+ status=200/,
    /nginx {7}download {2}method=GET path=\/files\/-\/orders_\S+ status=403/,
    /catalogue {3}now ready {2}unitsDone=1\/1/,
  ];
  const found = steps.map((step) => lines.findIndex((line) => step.test(line)));
  expect(found).not.toContain(-1);
  expect(found).toEqual(found.toSorted((one, next) => one - next));
});

test('the timeline has the request that created the export and the work of the functions', async () => {
  const { stdout } = await timeline();
  expect(stdout).toMatch(
    /functions {3}request {2}.*method=POST path=\/api\/v1\/exports .*status=202/,
  );
  expect(stdout).toMatch(/functions {3}attempt begins {2}/);
  expect(stdout).toMatch(/functions {3}attempt ended {2}/);
});

test('the timeline has no secret', async () => {
  const { stdout } = await timeline();
  const secrets = [ticket, credentials.demo.apiKey, credentials.demo.password];
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(7);
    expect(stdout).not.toContain(secret);
  }
  expect(stdout).not.toMatch(/X-Amz-Signature|ss_dl=/);
});

test('the timeline of an export requested by event has the answer to the event', async () => {
  const results = await consume('exports.results');
  try {
    // Other systems may use ids that are not UUIDs.
    const event = requested(
      { ...monthOfOrders, requestedBy: credentials.demo.email },
      `order "7" ${randomUUID()}`,
    );
    await produce('exports.requested', [{ value: JSON.stringify(event) }]);
    const { data } = await resultOf(results, event.id, 'completed');
    const exportId = 'id' in data ? data.id : '';
    const { stdout } = await waitFor('the function logs its answer', async () => {
      const answer = await logs([exportId]);
      return answer.stdout.includes('event request answered') ? answer : undefined;
    });
    expect(stdout).toContain(`requestEventId=${JSON.stringify(event.id)}`);
    expect(stdout).toMatch(/event request answered {2}eventId=.*topic=exports\.requested/);
  } finally {
    await results.close();
  }
});

test('without a running stack the timeline has only the lines of the log files, and says what is missing', async () => {
  await timeline();
  await cp(join(home(), 'logs'), join(other, 'logs'), { recursive: true });
  await mkdir(join(other, 'nginx'));
  await cp(join(home(), 'nginx', 'requests.log'), join(other, 'nginx', 'requests.log'));
  const { code, stdout, stderr } = await logs([id], other);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^The catalogue is not reachable: no stack is running in /);
  expect(stdout).toMatch(/functions {3}attempt ended/);
  expect(stdout).toMatch(/nginx {7}download .*status=200/);
  expect(stdout).not.toContain(ticket);
  const log = await readFile(join(other, 'nginx', 'requests.log'), 'utf8');
  expect(log).toContain(id);
});

test('the timeline of an unknown export is an error', async () => {
  const unknown = randomUUID();
  const answer = await logs([unknown]);
  expect(answer.code).toBe(1);
  expect(answer.stdout).toBe('');
  expect(answer.stderr).toContain(`has no export ${unknown}`);
});

test.each([[[]], [['nonsense']], [['a', 'b']]])(
  'npm run logs with the arguments %j prints its usage',
  async (args) => {
    const answer = await logs(args);
    expect(answer.code).toBe(2);
    expect(answer.stderr).toMatch(/^usage: npm run logs -- <export id>$/m);
  },
);

test('npm run metrics prints what the functions have measured', async () => {
  const rows = await waitFor('the metrics are in the log', async () => {
    const { code, lines } = await command('metrics', []);
    const names = lines.map((line) => line.split('  ')[0]);
    const expected = ['exportsCompleted', 'exportRows', 'exportTime', 'unsentMessages'];
    return code === 0 && expected.every((name) => names.includes(name)) ? lines : undefined;
  });
  expect(rows[0]).toMatch(/^metric +of +unit +samples +sum +mean +largest +latest$/);
  expect(rows.find((row) => row.startsWith('exportBytes'))).toMatch(
    /^exportBytes +all functions +Bytes +\d+ +[\d,]+/,
  );
  expect(rows.find((row) => row.startsWith('recordAge'))).toMatch(/function=\S+ topic=\S+/);

  expect(await command('metrics', ['soon'])).toMatchObject({
    code: 2,
    stderr: 'usage: npm run metrics -- [minutes, 60 by default, at most 10,080]\n',
  });
  const empty = await mkdtemp(join(tmpdir(), 'streamsync-empty-home-'));
  try {
    expect(await command('metrics', [], empty)).toMatchObject({
      code: 1,
      stderr: `The logs in ${empty} have no metrics of the last 60 minutes.\n`,
    });
  } finally {
    await rm(empty, { recursive: true });
  }
});
