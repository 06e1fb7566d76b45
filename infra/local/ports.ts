/** Chooses the ports of a stack, all on loopback, at every start. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { StackError } from './errors.ts';
import type { Home } from './home/home.ts';

// Below the range for outgoing connections (Linux from 32768, macOS from 49152): otherwise another program could get
// the port between our choice and our listening on it.
const firstPort = 20_000;
const lastPort = 29_999;
const defaultPort = 8080;

export interface Ports {
  nginx: number;
  postgres: number;
  kafka: number;
  kafkaController: number;
  s3: number;
  http: number;
  lambda: number;
  websocket: number;
  authorizer: number;
}

/** Returns whether the machine has ::1, which some clients try first for "localhost". */
export function hasIpv6Loopback(): boolean {
  return Object.values(networkInterfaces())
    .flat()
    .some((address) => address?.address === '::1');
}

/** Returns free ports. Throws a StackError if the fixed port of NGINX is in use or may not be listened on. */
export async function choosePorts(home: Home, environment: NodeJS.ProcessEnv): Promise<Ports> {
  const fixed = fixedPort(home, environment);
  if (fixed !== undefined) await assertPortFree(fixed);
  const free = freePorts(home.path);
  const next = async (): Promise<number> => {
    const { value } = await free.next();
    if (value === undefined)
      throw new StackError(`no free port between ${firstPort} and ${lastPort}`);
    return value;
  };
  return {
    nginx: fixed ?? (await next()),
    postgres: await next(),
    kafka: await next(),
    kafkaController: await next(),
    s3: await next(),
    http: await next(),
    lambda: await next(),
    websocket: await next(),
    authorizer: await next(),
  };
}

/** Throws a StackError that names the port and how to choose another. */
export async function assertPortFree(port: number): Promise<void> {
  const problem = await listenError(port);
  if (problem === undefined) return;
  const fix = `Choose another port for StreamSync: STREAMSYNC_PORT=${port < 65_000 ? Math.max(port + 1, 8081) : 8081} npm start`;
  if (problem === 'EACCES')
    throw new StackError(`This user may not listen on port ${port}. ${fix}`);
  throw new StackError(`Port ${port} is in use by another program. ${fix}`);
}

function fixedPort(home: Home, environment: NodeJS.ProcessEnv): number | undefined {
  const named = environment.STREAMSYNC_PORT;
  if (named === undefined || named === '') return home.isDefault ? defaultPort : undefined;
  const port = Number(named);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new StackError(`STREAMSYNC_PORT must be a number from 1 to 65535, not "${named}".`);
  }
  return port;
}

/** The search starts at a port that depends on the home: two stacks that start together do not find the same ports. */
async function* freePorts(home: string): AsyncGenerator<number, undefined> {
  const count = lastPort - firstPort + 1;
  const start = createHash('sha256').update(home).digest().readUInt32BE() % count;
  for (let step = 0; step < count; step++) {
    const port = firstPort + ((start + step) % count);
    if ((await listenError(port)) === undefined) yield port;
  }
  return undefined;
}

/** Returns undefined if the port is free on loopback, else the error code. */
async function listenError(port: number): Promise<string | undefined> {
  for (const host of hasIpv6Loopback() ? ['127.0.0.1', '::1'] : ['127.0.0.1']) {
    const server = createServer();
    const problem = await new Promise<string | undefined>((done) => {
      server.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
      server.listen({ port, host, exclusive: true }, () => done(undefined));
    });
    await new Promise((closed) => server.close(closed));
    if (problem !== undefined) return problem;
  }
  return undefined;
}
