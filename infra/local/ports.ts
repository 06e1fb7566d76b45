/** Which ports a stack listens on. All on loopback; chosen anew at every start. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { StackError } from './errors.ts';
import type { Home } from './home.ts';

// Below the range from which systems take the ports of outgoing connections (Linux from 32768, macOS from 49152):
// between choosing a port and listening on it nobody is given it by chance.
const FIRST = 20_000;
const LAST = 29_999;
const DEFAULT_PORT = 8080;

export interface Ports {
  nginx: number;
  postgres: number;
  kafka: number;
  kafkaController: number;
  s3: number;
  http: number;
  lambda: number;
  websocket: number;
}

/** Whether the machine has ::1, which is what "localhost" means first to some clients. */
export function hasIpv6Loopback(): boolean {
  return Object.values(networkInterfaces())
    .flat()
    .some((address) => address?.address === '::1');
}

/** @throws StackError when the port NGINX is to have is taken or not to be had. */
export async function choosePorts(home: Home, environment: NodeJS.ProcessEnv): Promise<Ports> {
  const fixed = wantedPort(home, environment);
  if (fixed !== undefined) await requireFree(fixed);
  const free = freePorts(home.path);
  const next = async (): Promise<number> => {
    const { value } = await free.next();
    if (value === undefined) throw new StackError(`no free port between ${FIRST} and ${LAST}`);
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
  };
}

/** @throws StackError naming the port and how to choose another. */
export async function requireFree(port: number): Promise<void> {
  const problem = await listenError(port);
  if (problem === undefined) return;
  const another = `Choose another port for StreamSync: STREAMSYNC_PORT=${port < 65_000 ? Math.max(port + 1, 8081) : 8081} npm start`;
  if (problem === 'EACCES')
    throw new StackError(`This user may not listen on port ${port}. ${another}`);
  throw new StackError(`Port ${port} is taken by another program. ${another}`);
}

function wantedPort(home: Home, environment: NodeJS.ProcessEnv): number | undefined {
  const named = environment['STREAMSYNC_PORT'];
  if (named === undefined || named === '') return home.isDefault ? DEFAULT_PORT : undefined;
  const port = Number(named);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new StackError(`STREAMSYNC_PORT must be a number from 1 to 65535, not "${named}".`);
  }
  return port;
}

/** Two stacks started at the same moment look in different places first, so neither takes what the other just found. */
async function* freePorts(home: string): AsyncGenerator<number, undefined> {
  const count = LAST - FIRST + 1;
  const start = createHash('sha256').update(home).digest().readUInt32BE() % count;
  for (let step = 0; step < count; step++) {
    const port = FIRST + ((start + step) % count);
    if ((await listenError(port)) === undefined) yield port;
  }
  return undefined;
}

/** → undefined when the port can be had on loopback, else the error code. */
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
