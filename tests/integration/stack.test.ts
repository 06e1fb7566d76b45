import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { exportPreviewSchema } from '../../lib/contracts/export-preview.ts';
import { readingsSchema } from '../../lib/contracts/readings.ts';
import { sourceListSchema } from '../../lib/contracts/sources.ts';
import { call, monthOfOrders } from '../support/api.ts';
import {
  assertEnded,
  descendantsOf,
  isLoopback,
  listenersOf,
  StartedStack,
} from '../support/processes.ts';
import { sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

describe('addresses', () => {
  test('isLoopback distinguishes loopback addresses in the form of /proc', () => {
    expect(isLoopback('0100007F:1F90')).toBe(true);
    expect(isLoopback('00000000000000000000000001000000:1F90')).toBe(true);
    expect(isLoopback('0000000000000000FFFF00000100007F:1F90')).toBe(true);
    expect(isLoopback('00000000:1F90')).toBe(false);
    expect(isLoopback('00000000000000000000000000000000:1F90')).toBe(false);
    expect(isLoopback('0A01A8C0:1F90')).toBe(false);
  });

  test('no process of the stack listens beyond loopback', async () => {
    const listeners = await listenersOf(await descendantsOf(stack.pid));
    // PostgreSQL, Kafka (2), LocalStack, the functions (at least 2), NGINX.
    expect(listeners.length).toBeGreaterThanOrEqual(7);
    expect(listeners.filter(({ address }) => !isLoopback(address))).toEqual([]);
  });
});

const isRoot = process.getuid?.() === 0;
const nobodyUid = 65_534;

/** Returns the files and directories under a directory that other users can read, write or enter. */
async function openToOthers(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true });
  const modes = await Promise.all(
    [directory, ...entries.map((name) => join(directory, name))].map(async (path) => {
      // Files of the databases and of the cache may disappear meanwhile.
      const found = await lstat(path).catch(() => undefined);
      // NGINX opens its socket to all users, in a directory that is closed to them.
      const isOpen =
        found && !found.isSymbolicLink() && !found.isSocket() && (found.mode & 0o077) !== 0;
      return isOpen ? [`${path} ${(found.mode & 0o777).toString(8)}`] : [];
    }),
  );
  return modes.flat();
}

async function userOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
}

describe('a second stack', () => {
  let home = '';
  let running: StartedStack | undefined;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'streamsync-second-home-'));
    // The directories as an earlier version left them: open to other users and, if root runs the tests, of another
    // user.
    await mkdir(join(home, 'logs'), { mode: 0o755 });
    await writeFile(join(home, 'logs', 'kafka.log'), 'an old log', { mode: 0o644 });
    await chmod(home, 0o755);
    if (isRoot) await chown(home, nobodyUid, nobodyUid);
  });
  afterAll(async () => {
    if (running && running.process.exitCode === null) {
      running.process.kill('SIGTERM');
      await running.ended;
    }
    await sql(stack.postgres.catalogue, 'drop database if exists own_shop with (force)');
    await rm(home, { recursive: true, force: true });
  });

  const started = async (
    environment: Record<string, string> = {},
  ): Promise<{ url: string; key: string }> => {
    // With simulated readings, as a stack of a user.
    running = new StartedStack(home, { STREAMSYNC_DEMO: '1', ...environment });
    const url = await running.ready();
    const file: unknown = JSON.parse(await readFile(join(home, 'credentials.json'), 'utf8'));
    const { demo } = z.object({ demo: z.object({ apiKey: z.string() }) }).parse(file);
    return { url, key: demo.apiKey };
  };
  const stopped = async (): Promise<void> => {
    if (!running) throw new Error('the second stack was not started');
    const descendants = await descendantsOf(running.pid);
    expect(descendants.length).toBeGreaterThan(6);
    running.process.kill('SIGTERM');
    expect(await running.ended).toBe(0);
    await assertEnded(descendants);
  };

  test('a second stack starts next to the first, stops without a trace, and keeps its data', async () => {
    const first = await started();
    expect(first.url).not.toBe(stack.url);
    expect((await stat(join(home, 'credentials.json'))).mode & 0o777).toBe(0o600);
    const headers = { 'x-api-key': first.key };
    const created = await call('POST', `${first.url}/api/v1/exports`, {
      headers,
      body: monthOfOrders,
    });
    const { id } = created.json(exportDocumentSchema);
    const document = await waitFor('the export is ready', async () => {
      const answer = await call('GET', `${first.url}/api/v1/exports/${id}`, { headers });
      const now = answer.json(exportDocumentSchema);
      return now.status === 'ready' ? now : undefined;
    });
    const since = new URLSearchParams({
      series: 'pump-1',
      from: `${new Date().getFullYear()}-01-02T00:00:00Z`,
    });
    await waitFor('the simulated readings arrive', async () => {
      const answer = await call('GET', `${first.url}/api/v1/readings?${since}`, { headers });
      return answer.json(readingsSchema).points.length > 0 ? true : undefined;
    });
    expect(await openToOthers(home)).toEqual([]);
    if (isRoot) {
      const file: unknown = JSON.parse(await readFile(join(home, 'stack.json'), 'utf8'));
      const { processes } = z
        .object({ processes: z.array(z.object({ name: z.string(), pid: z.int() })) })
        .parse(file);
      const ofOwner = processes.filter(({ name }) => !['supervisor', 'nginx'].includes(name));
      expect(ofOwner.map(({ name }) => name)).toEqual(
        expect.arrayContaining([
          'postgres',
          'kafka',
          'localstack',
          'functions',
          'export-worker-0',
          'simulator',
        ]),
      );
      for (const { name, pid } of ofOwner) {
        // Python and Java may lie in directories that the other user cannot enter.
        const program = await readlink(`/proc/${pid}/exe`);
        const { status } = spawnSync('test', ['-x', program], {
          uid: nobodyUid,
          gid: nobodyUid,
          cwd: '/',
        });
        expect([name, await userOf(pid)]).toEqual([name, status === 0 ? nobodyUid : 0]);
      }
    }
    await stopped();

    const own = new URL(stack.postgres.catalogue);
    own.pathname = '/own_shop';
    // A run that was killed may have left the database.
    await sql(stack.postgres.catalogue, 'drop database if exists own_shop with (force)');
    await sql(stack.postgres.catalogue, 'create database own_shop');
    await sql(own.href, 'create table baskets as select n as id from generate_series(1, 3) n');
    const second = await started({
      STREAMSYNC_SOURCES: JSON.stringify({
        shop: { url: own.href },
        away: { url: 'postgres://reader:secret-word@127.0.0.1:1/nothing' },
      }),
    });
    expect(second.key).toBe(first.key);
    expect(running?.output).toMatch(/sources +shop answers, PostgreSQL \d+/);
    expect(running?.output).toMatch(/sources +away DOES NOT ANSWER: .*ECONNREFUSED/);
    const { sources } = (await call('GET', `${second.url}/api/v1/sources`, { headers })).json(
      sourceListSchema,
    );
    expect(sources.map(({ name }) => name)).toEqual(['away', 'iot', 'sales', 'shop']);
    expect(sources[0]?.error).toMatch(/does not answer/);
    expect(sources[3]?.datasets.map(({ name }) => name)).toEqual(['baskets']);
    const baskets = await call('POST', `${second.url}/api/v1/exports/preview`, {
      headers,
      body: { sources: ['shop'], dataset: 'baskets', format: 'csv' },
    });
    expect(baskets.json(exportPreviewSchema).rows).toEqual([['1'], ['2'], ['3']]);
    for (const password of [own.password, 'secret-word']) {
      expect(running?.output).not.toContain(password);
      expect(spawnSync('grep', ['-rlF', password, home], { encoding: 'utf8' }).stdout).toBe('');
    }
    const file = await call('GET', `${second.url}/api/v1/exports/${id}/file`, {
      headers,
      redirect: 'follow',
    });
    expect(file.bytes.length).toBe(document.file?.bytes);
  });

  test('a second start in the same home is rejected', () => {
    const secondStart = spawnSync(process.execPath, [join('infra', 'local', 'start.ts')], {
      env: { ...process.env, STREAMSYNC_HOME: home },
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(secondStart.status).toBe(1);
    expect(secondStart.stdout + secondStart.stderr).toContain(
      `A stack is running in ${realpathSync(home)} (process ${running?.pid}).`,
    );
  });

  test('a stack starts again after kill -9', async () => {
    if (!running) throw new Error('the second stack was not started');
    const descendants = await descendantsOf(running.pid);
    running.process.kill('SIGKILL');
    await running.ended;
    const { url } = await started();
    expect((await call('GET', `${url}/api/v1/health`)).status).toBe(200);
    await assertEnded(descendants);
    await stopped();
  });

  test('a start on a port in use names the port and leaves no process', async () => {
    const blocker = createServer();
    const port = await new Promise<number>((resolve) =>
      blocker.listen(0, '127.0.0.1', () => {
        const address = blocker.address();
        resolve(typeof address === 'object' && address ? address.port : 0);
      }),
    );
    try {
      running = new StartedStack(home, { STREAMSYNC_PORT: String(port) });
      expect(await running.ended).toBe(1);
      expect(running.output).toContain(String(port));
      expect(running.output).toContain('STREAMSYNC_PORT');
      expect(running.output).not.toMatch(/^ready/m);
    } finally {
      await new Promise((resolve) => blocker.close(resolve));
    }
  });
});
