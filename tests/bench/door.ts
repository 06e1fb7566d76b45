import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  open,
  readFile,
  readlink,
  rm,
  writeFile,
} from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { asDemo, createExport, ended, ticketFor } from '../support/api.ts';
import { home, readStack, sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';
import { median } from './measure.ts';

/**
 * What the check of every request costs at the door. In alternating rounds: a file of 200 MB from the cache of NGINX,
 * with authorization, relative to a static file of the same size; and the latency of a file of 1 MB from the cache, with
 * authorization, relative to a second NGINX that has the same configuration without `auth_request`.
 */
const run = promisify(execFile);
const view = 'bench_door';
const rounds = 7;
const requestsPerRound = 60;
const port = 29_997;

const rowBytes = 1_032;
const requestOf = (bytes: number) => ({
  sources: ['sales'],
  dataset: view,
  format: 'csv',
  where: [{ column: 'id', op: 'lte', value: Math.ceil(bytes / rowBytes) }],
});

const curlSeconds = async (url: string): Promise<number> => {
  const headers = ['-H', `X-Api-Key: ${asDemo['x-api-key']}`];
  const args = ['-sf', '-o', '/dev/null', '-w', '%{time_total}', ...headers, url];
  return Number((await run('curl', args)).stdout);
};

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** Returns the milliseconds until all of the file has arrived, on a connection that is open already. */
const latencyMs = (url: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const startedAt = performance.now();
    get(url, { agent, headers: asDemo }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
      response.on('end', () => resolve(performance.now() - startedAt)).resume();
    }).once('error', reject);
  });

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;

export async function measureDoor(): Promise<void> {
  await sql(
    sourceUrl('sales'),
    `create or replace view ${view} as
       select n as id, repeat(md5(n::text), 32) as text from generate_series(1, 250000) n`,
  );
  const staticFile = join(home(), 'nginx', 'web', 'assets', `bench-${process.pid}.bin`);
  const unchecked = await mkdtemp(join(tmpdir(), 'streamsync-bench-door-'));
  let second: ChildProcess | undefined;
  try {
    const [large, small] = [await ready(200e6), await ready(1e6)];
    await writeZeros(staticFile, large.bytes);
    const staticUrl = `${stack.url}/assets/bench-${process.pid}.bin`;
    const [largeUrl, smallUrl] = [await ticketFor(large.id), await ticketFor(small.id)];
    second = await startUnchecked(unchecked, small.id);
    const uncheckedUrl = smallUrl.replace(stack.url, `http://127.0.0.1:${port}`);
    await waitFor('the second NGINX answers', () => latencyMs(uncheckedUrl).catch(() => undefined));
    for (const url of [largeUrl, staticUrl]) await curlSeconds(url);
    await latencyMs(smallUrl);

    const speeds: number[] = [];
    const latencies = { checked: [] as number[], unchecked: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      const withStatic = await curlSeconds(staticUrl);
      speeds.push(withStatic / (await curlSeconds(largeUrl)));
      for (let n = 0; n < requestsPerRound; n++) {
        latencies.unchecked.push(await latencyMs(uncheckedUrl));
        latencies.checked.push(await latencyMs(smallUrl));
      }
    }
    console.log(`${rounds} rounds, medians`);
    console.log(
      `200 MB from the cache, with authorization ÷ static file: ${median(speeds).toFixed(2)} of its speed (${speeds.map((speed) => speed.toFixed(2)).join(' ')})`,
    );
    for (const [name, share] of [
      ['median', 0.5],
      ['p99', 0.99],
    ] as const) {
      const [checked, without] = [
        percentile(latencies.checked, share),
        percentile(latencies.unchecked, share),
      ];
      console.log(
        `1 MB from the cache, ${name}: ${checked.toFixed(1)} ms with authorization ÷ ${without.toFixed(1)} ms without: ${(checked / without).toFixed(2)}`,
      );
    }
  } finally {
    agent.destroy();
    second?.kill('SIGTERM');
    await rm(staticFile, { force: true });
    await rm(unchecked, { recursive: true, force: true });
    await sql(sourceUrl('sales'), `drop view ${view}`);
  }
}

async function ready(bytes: number): Promise<{ id: string; bytes: number }> {
  const { id, file } = await ended((await createExport(requestOf(bytes))).id, 120);
  if (file === null) throw new Error('the export has no file');
  return { id, bytes: file.bytes };
}

async function writeZeros(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w', 0o644);
  const chunk = Buffer.alloc(2 ** 20);
  for (let written = 0; written < bytes; written += chunk.length)
    await file.write(chunk, 0, Math.min(chunk.length, bytes - written));
  await file.close();
}

/** Starts a second NGINX with the configuration of the first, for one file, which it does not authorise. */
async function startUnchecked(directory: string, exportId: string): Promise<ChildProcess> {
  const [row] = await sql<{ key: string }>(
    stack.postgres.catalogue,
    'select object_key as key from exports where id = $1',
    [exportId],
  );
  const nginx = (await readStack()).processes.find(({ name }) => name === 'nginx');
  if (!row || !nginx) throw new Error('the export or NGINX is missing');
  const first = join(home(), 'nginx');
  // Its workers run as another user.
  await chmod(directory, 0o755);
  await cp(first, directory, {
    recursive: true,
    filter: (path) => path === first || path.endsWith('.conf'),
  });
  await mkdir(join(directory, 'web'));
  const edit = async (name: string, change: (text: string) => string) => {
    const path = join(directory, name);
    await writeFile(path, change(await readFile(path, 'utf8')));
  };
  const { port: firstPort } = new URL(stack.url);
  await edit('nginx.conf', (text) =>
    text
      .replace(`listen 127.0.0.1:${firstPort}`, `listen 127.0.0.1:${port}`)
      .replace(/listen \[::1\].*/, ''),
  );
  await edit('downloads.conf', (text) =>
    text.replace('auth_request /authorize-download;', () => `set $object_key "${row.key}";`),
  );
  const program = await readlink(`/proc/${nginx.pid}/exe`);
  return spawn(program, ['-p', './', '-c', 'nginx.conf'], { cwd: directory, stdio: 'inherit' });
}
