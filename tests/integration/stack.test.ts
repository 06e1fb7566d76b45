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
import { sourceListSchema } from '../../lib/contracts/sources.ts';
import { call, monthOfOrders } from '../stack/api.ts';
import {
  familyOf,
  isLoopback,
  listenersOf,
  requireEnded,
  StartedStack,
} from '../stack/processes.ts';
import { sql, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

describe('addresses', () => {
  test('are told apart as the kernel writes them', () => {
    expect(isLoopback('0100007F:1F90')).toBe(true);
    expect(isLoopback('00000000000000000000000001000000:1F90')).toBe(true);
    expect(isLoopback('0000000000000000FFFF00000100007F:1F90')).toBe(true);
    expect(isLoopback('00000000:1F90')).toBe(false);
    expect(isLoopback('00000000000000000000000000000000:1F90')).toBe(false);
    expect(isLoopback('0A01A8C0:1F90')).toBe(false);
  });

  test('nothing of the stack listens beyond loopback', async () => {
    const listeners = await listenersOf(await familyOf(stack.pid));
    // PostgreSQL, Kafka (2), LocalStack, the functions (2 and more), NGINX.
    expect(listeners.length).toBeGreaterThanOrEqual(7);
    expect(listeners.filter(({ address }) => !isLoopback(address))).toEqual([]);
  });
});

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

/** What others than its owner may read, write or enter, below a directory and itself. */
async function openToOthers(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true });
  const modes = await Promise.all(
    [directory, ...entries.map((name) => join(directory, name))].map(async (path) => {
      // Files of the databases and of the cache come and go.
      const found = await lstat(path).catch(() => undefined);
      // NGINX opens its socket to all; it lies in a directory that is not.
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

describe('a stack of its own', () => {
  let home = '';
  let running: StartedStack | undefined;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'streamsync-second-home-'));
    // Of an earlier version: open to others. Of somebody else, where root runs the tests.
    await mkdir(join(home, 'logs'), { mode: 0o755 });
    await writeFile(join(home, 'logs', 'kafka.log'), 'an old log', { mode: 0o644 });
    await chmod(home, 0o755);
    if (isRoot) await chown(home, nobody, nobody);
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
    running = new StartedStack(home, environment);
    const url = await running.ready();
    const file: unknown = JSON.parse(await readFile(join(home, 'credentials.json'), 'utf8'));
    const { demo } = z.object({ demo: z.object({ apiKey: z.string() }) }).parse(file);
    return { url, key: demo.apiKey };
  };
  const stopped = async (): Promise<void> => {
    if (!running) throw new Error('it does not run');
    const family = await familyOf(running.pid);
    expect(family.length).toBeGreaterThan(6);
    running.process.kill('SIGTERM');
    expect(await running.ended).toBe(0);
    await requireEnded(family);
  };

  test('starts beside the first, stops without a trace, and keeps what it had', async () => {
    const first = await started();
    expect(first.url).not.toBe(stack.url);
    expect((await stat(join(home, 'credentials.json'))).mode & 0o777).toBe(0o600);
    const headers = { 'x-api-key': first.key };
    const created = await call('POST', `${first.url}/api/v1/exports`, {
      headers,
      body: monthOfOrders,
    });
    const { id } = created.json(exportDocumentSchema);
    const document = await until('the export is ready', async () => {
      const answer = await call('GET', `${first.url}/api/v1/exports/${id}`, { headers });
      const now = answer.json(exportDocumentSchema);
      return now.status === 'ready' ? now : undefined;
    });
    expect(await openToOthers(home)).toEqual([]);
    if (isRoot) {
      const file: unknown = JSON.parse(await readFile(join(home, 'stack.json'), 'utf8'));
      const { processes } = z
        .object({ processes: z.array(z.object({ name: z.string(), pid: z.int() })) })
        .parse(file);
      const ofOwner = processes.filter(({ name }) => !['supervisor', 'nginx'].includes(name));
      expect(ofOwner.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['postgres', 'kafka', 'localstack', 'functions', 'export-worker-0']),
      );
      for (const { name, pid } of ofOwner) {
        // Python and Java may lie where others may not enter.
        const program = await readlink(`/proc/${pid}/exe`);
        const { status } = spawnSync('test', ['-x', program], {
          uid: nobody,
          gid: nobody,
          cwd: '/',
        });
        expect([name, await userOf(pid)]).toEqual([name, status === 0 ? nobody : 0]);
      }
    }
    await stopped();

    const own = new URL(stack.postgres.catalogue);
    own.pathname = '/own_shop';
    // One that was ended before its end has left it.
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

  test('refuses a second start of the same home', () => {
    const again = spawnSync(process.execPath, [join('infra', 'local', 'start.ts')], {
      env: { ...process.env, STREAMSYNC_HOME: home },
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(again.status).toBe(1);
    expect(again.stdout + again.stderr).toContain(
      `A stack is running in ${realpathSync(home)} (process ${running?.pid}).`,
    );
  });

  test('killed with -9 is followed by a start that works', async () => {
    if (!running) throw new Error('it does not run');
    const family = await familyOf(running.pid);
    running.process.kill('SIGKILL');
    await running.ended;
    const { url } = await started();
    expect((await call('GET', `${url}/api/v1/health`)).status).toBe(200);
    await requireEnded(family);
    await stopped();
  });

  test('says which port is taken, and leaves nothing behind', async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) =>
      taken.listen(0, '127.0.0.1', () => {
        const address = taken.address();
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
      await new Promise((resolve) => taken.close(resolve));
    }
  });
});
