/** NGINX with the configuration of containers, before the services of the stack: its origins are names, with TLS. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { applicationEnvironment } from '../../infra/local/environment.ts';
import { openHome, openSecrets } from '../../infra/local/home/home.ts';
import { findTools } from '../../infra/local/install/system-tools.ts';
import { nginx } from '../../infra/local/services/nginx.ts';
import { type DoorSettings, renderDoor } from '../../infra/nginx/configuration.ts';
import { containerSettings } from '../../infra/nginx/container.ts';
import { call, createExport, download, ended, monthOfOrders, ticketFor } from '../support/api.ts';
import { createAuthority } from '../support/certificate.ts';
import { recordedDeliveries } from '../support/deliveries.ts';
import { type DnsServer, startDnsServer } from '../support/dns-server.ts';
import { upstreamAddress } from '../support/door.ts';
import { imageDirectory } from '../support/image.ts';
import { listenFor } from '../support/listen-for.ts';
import { liveTicket, openSocket } from '../support/live-client.ts';
import { stack, home as stackHome } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

let directory = '';
let program = '';
let sidecars = '';
let dns: DnsServer;
let settings: DoorSettings;
const proxies: Server[] = [];
const processes: ChildProcess[] = [];

/** Returns a URL with a name, which leads to a service of the stack as the name of API Gateway or S3 does. */
async function nameOf(name: 'functions' | 'live' | 'objects', tls?: object): Promise<URL> {
  const [host, port] = (await upstreamAddress(name)).split(':');
  const pass = (client: NodeJS.ReadWriteStream): void => {
    const service = connect(Number(port), host);
    client.pipe(service).pipe(client);
    client.on('error', () => service.destroy());
    service.on('error', () => client.end());
  };
  const proxy = tls ? createTlsServer(tls, pass) : createServer(pass);
  proxies.push(proxy);
  return new URL(await listenFor(proxy, `${tls ? 'https' : 'http'}://localhost`));
}

/** Starts a module of the image of the sidecars with this environment alone. */
function startSidecar(args: readonly string[], environment: Record<string, string>): void {
  const env = { PATH: process.env.PATH, ...environment };
  const options = { cwd: sidecars, env, stdio: 'inherit' as const };
  processes.push(spawn(process.execPath, args, options));
}

/** Returns the URL of a free port. */
async function freeUrl(): Promise<URL> {
  const server = createServer();
  const url = await listenFor(server, 'http://127.0.0.1');
  await new Promise((closed) => server.close(closed));
  return new URL(url);
}

interface Door {
  url: URL;
  directory: string;
}

/** Starts NGINX in a directory of its own, with the command of start.sh. */
async function startDoor(changed: Partial<DoorSettings> = {}): Promise<Door> {
  const place = await mkdtemp(join(directory, 'door-'));
  const url = await freeUrl();
  const files = renderDoor({ ...settings, listen: [url.host], ...changed });
  for (const [name, text] of files) await writeFile(join(place, name), text);
  const [, args = ''] =
    /^exec nginx (.*)$/m.exec(await readFile('infra/nginx/start.sh', 'utf8')) ?? [];
  await promisify(execFile)('sh', ['-c', `exec "$0" -t ${args} > check.log 2>&1`, program], {
    cwd: place,
  });
  const log = await open(join(place, 'output.log'), 'w');
  processes.push(
    spawn(program, args.split(' '), { cwd: place, stdio: ['ignore', log.fd, log.fd] }),
  );
  await log.close();
  await waitFor('NGINX answers', () => fetch(url).catch(() => undefined));
  return { url, directory: place };
}

const at = (url: URL, path: string): string => new URL(path, url).href;
const through = ({ url }: Door, address: string): string => {
  const { pathname, search } = new URL(address);
  return at(url, pathname + search);
};

/** Runs the health check of the container. */
const healthCheck = async ({ url }: Door): Promise<unknown> =>
  promisify(execFile)('infra/nginx/healthy.sh', [url.port]);

let door: Door;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'streamsync-door-'));
  const tool = await findTools([nginx], {
    environment: process.env,
    cwd: directory,
    signal: new AbortController().signal,
    report: () => undefined,
  });
  program = tool(nginx);
  sidecars = imageDirectory('sidecars');
  dns = await startDnsServer();
  const authority = createAuthority();
  const { key, certificate: cert } = authority.issue('localhost');
  const functions = await nameOf('functions', { key, cert });
  const live = new URL('/live', await nameOf('live', { key, cert }));
  const objects = await nameOf('objects');
  const authorizer = await freeUrl();
  const home = openHome({ STREAMSYNC_HOME: stackHome() });
  const secrets = openSecrets(home);
  const { doorSecret } = secrets;
  const cache = join(directory, 'cache');
  startSidecar(
    ['infra/nginx/authorizer/serve.ts', authorizer.port, cache],
    applicationEnvironment(home, secrets, {
      url: stack.url,
      postgres: new URL(stack.postgres.catalogue).host,
      kafka: stack.kafka.brokers.join(','),
      s3Endpoint: stack.s3.endpoint,
    }),
  );
  await waitFor('the authorizer answers', () => fetch(authorizer).catch(() => undefined));
  const container = containerSettings(
    {
      STREAMSYNC_DOOR_SECRET: doorSecret,
      STREAMSYNC_FUNCTIONS_URL: functions.href,
      STREAMSYNC_LIVE_URL: live.href,
      STREAMSYNC_OBJECTS_URL: objects.href,
    },
    'nameserver 127.0.0.1',
  );
  settings = {
    ...container,
    user: process.getuid?.() === 0 ? 'root root' : undefined,
    page: join(stackHome(), 'nginx', 'web'),
    authorizer: authorizer.host,
    origins: {
      ...container.origins,
      resolvers: [dns.address],
      authorities: [authority.certificate],
    },
  };
  door = await startDoor();
});

afterAll(async () => {
  const ends = processes.map(
    (process) =>
      new Promise((done) => (process.exitCode === null ? process.once('exit', done) : done(0))),
  );
  for (const process of processes) process.kill('SIGTERM');
  await Promise.all(ends);
  for (const proxy of proxies) proxy.close();
  await dns.close();
  await rm(directory, { recursive: true });
  await rm(sidecars, { recursive: true });
});

test('answers for its load balancer', async () => {
  const answer = await fetch(at(door.url, '/healthz'));
  expect([answer.status, await answer.text()]).toEqual([204, '']);
  await healthCheck(door);
});

test('is not healthy without its authorizer, and still delivers the page', async () => {
  const alone = await startDoor({ authorizer: (await freeUrl()).host });
  const answer = await call('GET', at(alone.url, '/healthz'), { redirect: 'follow' });
  expect(answer.problem()).toMatchObject({ status: 503, code: 'unavailable' });
  await expect(healthCheck(alone)).rejects.toMatchObject({ code: 1 });
  expect((await fetch(at(alone.url, '/'))).status).toBe(200);
});

test('delivers the page, and answers of the functions, whose name it has resolved', async () => {
  const page = await fetch(at(door.url, '/exports'));
  expect(await page.text()).toContain('<!doctype html>');
  const health = await fetch(at(door.url, '/api/v1/health'));
  expect(health.status).toBe(200);
  expect(dns.asked).toContain('localhost');
});

test('answers 503 if the functions do not prove their name', async () => {
  const { certificate } = createAuthority('another authority');
  const distrusting = await startDoor({
    origins: { ...settings.origins, authorities: [certificate] },
  });
  const answer = await call('GET', at(distrusting.url, '/api/v1/health'));
  expect(answer.problem()).toMatchObject({ status: 503, code: 'unavailable' });
});

test('connects live sockets', async () => {
  const ticket = through(door, await liveTicket()).replace('http:', 'ws:');
  const socket = await openSocket(ticket);
  socket.close();
});

describe('a download', () => {
  test('has the bytes of the file, and is recorded from the log of the hour', async () => {
    const { id } = await createExport(monthOfOrders);
    expect((await ended(id)).status).toBe('ready');
    const expected = (await download(id)).bytes;
    const answer = await call('GET', through(door, await ticketFor(id)));
    expect(answer.status).toBe(200);
    expect(answer.bytes.equals(expected)).toBe(true);

    const names = await readdir(door.directory);
    expect(names.filter((name) => name.startsWith('deliveries.log'))).toEqual([
      expect.stringMatching(/^deliveries\.log\.\d{4}-\d\d-\d\dT\d\d$/),
    ]);
    startSidecar(['infra/nginx/shipper/ship.ts', door.directory], {
      STREAMSYNC_KAFKA_BROKERS: stack.kafka.brokers.join(','),
    });
    const [first, second] = await recordedDeliveries(id, 2);
    expect([first?.bytes, second?.bytes]).toEqual([expected.length, expected.length]);
  });

  test('of an unknown ticket is refused', async () => {
    const answer = await call('GET', at(door.url, `/files/${'x'.repeat(43)}/orders.csv`));
    expect(answer.problem()).toMatchObject({ status: 404, code: 'not_found' });
  });
});

test('prints its access log, for which a container has no file', async () => {
  const names = await readdir(door.directory);
  expect(names).not.toContain('requests.log');
  const output = await readFile(join(door.directory, 'output.log'), 'utf8');
  expect(output).toContain('"path":"/api/v1/health","status":200');
});
