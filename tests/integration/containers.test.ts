/** The commands of docker-compose.yml, as processes with the files of their images, before the services of the stack. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { applicationEnvironment } from '../../infra/local/environment.ts';
import { openHome, openSecrets } from '../../infra/local/home/home.ts';
import { interpreterOf } from '../../infra/local/install/python.ts';
import { localstackTool } from '../../infra/local/services/localstack.ts';
import { secretVariables } from '../../lib/runtime/secret-variables.ts';
import { asDemo } from '../support/api.ts';
import { readDockerfile, valuesOf } from '../support/dockerfile.ts';
import { imageDirectory } from '../support/image.ts';
import { listenFor } from '../support/listen-for.ts';
import { ownCaller } from '../support/secrets.ts';
import { credentials, stack, home as stackHome } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const compose = z
  .object({
    services: z.record(z.string(), z.looseObject({ command: z.array(z.string()).optional() })),
  })
  .parse(parse(await readFile('docker-compose.yml', 'utf8'), { merge: true }));
const commandOf = (name: string): string[] => compose.services[name]?.command ?? [];

let image = '';
let secrets = '';
let variables: Record<string, string> = {};
const processes: ChildProcess[] = [];

async function freePort(): Promise<string> {
  const server = createServer();
  const { port } = new URL(await listenFor(server, 'http://127.0.0.1'));
  await new Promise((closed) => server.close(closed));
  return port;
}

beforeAll(async () => {
  image = imageDirectory('functions');
  secrets = await mkdtemp(join(tmpdir(), 'streamsync-secrets-'));
  const home = openHome({ STREAMSYNC_HOME: stackHome() });
  const passwords = openSecrets(home);
  const all = applicationEnvironment(home, passwords, {
    url: stack.url,
    postgres: new URL(stack.postgres.catalogue).host,
    kafka: stack.kafka.brokers.join(','),
    s3Endpoint: stack.s3.endpoint,
  });
  const isSecret = (name: string): boolean => secretVariables.some((it) => it === name);
  variables = Object.fromEntries(Object.entries(all).filter(([name]) => !isSecret(name)));
  for (const name of secretVariables) await writeFile(join(secrets, name), all[name] ?? '');
  await writeFile(join(secrets, 'postgres-password'), passwords.postgres);
  await writeFile(join(secrets, 'credentials.json'), JSON.stringify(credentials));
});

afterAll(async () => {
  await Promise.all(processes.map(end));
  for (const directory of [image, secrets]) await rm(directory, { recursive: true });
});

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  await ended;
}

/** Returns how LocalStack answers to a name. */
const statusFor = (port: string, host: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const path = '/_localstack/health';
    const sent = request({ host: '127.0.0.1', port, path, headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    sent.once('error', reject).end();
  });

/** Returns a command of docker-compose.yml, with the secrets and the Node of this test. */
function ownCommand(words: readonly string[], replaced: Record<string, string> = {}): string[] {
  const values: Record<string, string> = {
    '/run/secrets': secrets,
    node: process.execPath,
    ...replaced,
  };
  return words.map((word) => values[word] ?? word);
}

test('prepare ends with 0, also where all is prepared', async () => {
  const [program = '', ...args] = ownCommand(commandOf('prepare'));
  const { stdout } = await promisify(execFile)(program, args, {
    cwd: image,
    env: { PATH: process.env.PATH, ...variables },
  });
  expect(stdout.trim().split('\n').at(-1)).toBe('prepared');
});

test('functions answer, with the variables of their container alone', async () => {
  const [http, lambda, websocket] = [await freePort(), await freePort(), await freePort()];
  const [program = '', ...args] = ownCommand(commandOf('functions'), {
    '0.0.0.0': '127.0.0.1',
    '3000': http,
    '3001': websocket,
    '3002': lambda,
  });
  const env = {
    PATH: process.env.PATH,
    HOME: secrets,
    ...variables,
    STREAMSYNC_KAFKA_ARN: 'arn:aws:kafka:us-east-1:000000000000:cluster/streamsync/1',
    // With those of the stack its functions would lose partitions to these.
    STREAMSYNC_KAFKA_BROKERS: `127.0.0.1:${await freePort()}`,
  };
  const output = join(secrets, 'functions.log');
  const log = await open(output, 'w');
  processes.push(spawn(program, args, { cwd: image, env, stdio: ['ignore', log.fd, log.fd] }));
  await log.close();
  const url = `http://127.0.0.1:${http}/api/v1/me`;
  await waitFor('the functions answer', () => fetch(url).catch(() => undefined)).catch(
    async (cause: unknown) => {
      throw new Error(await readFile(output, 'utf8'), { cause });
    },
  );
  const answer = await fetch(url, { headers: { ...asDemo, ...(await ownCaller()) } });
  expect(await answer.json()).toMatchObject({ email: credentials.demo.email });
  expect((await fetch(url, { headers: asDemo })).status).toBe(403);
});

test('the own LocalStack answers to its name, and has its objects after a restart', async () => {
  const [stage] = readDockerfile('infra/localstack/Dockerfile');
  const [entry = ''] = stage ? valuesOf(stage, 'ENTRYPOINT') : [];
  const [python, launcher = '', ...options] = z.array(z.string()).parse(JSON.parse(entry));
  expect(python).toBe('python');
  const data = join(secrets, 's3');
  const port = await freePort();
  const values: Record<string, string> = { '0.0.0.0': '127.0.0.1', '4566': port, '/data': data };
  const args = [join('infra/localstack', launcher), ...options.map((it) => values[it] ?? it)];
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(interpreterOf(localstackTool), args, {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    processes.push(child);
    const health = `http://127.0.0.1:${port}/_localstack/health`;
    await waitFor('LocalStack answers', () => fetch(health).catch(() => undefined));
    return child;
  };
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const object = { Bucket: 'streamsync', Key: 'exports/a' };
  const first = await start();
  await client.send(new CreateBucketCommand({ Bucket: object.Bucket }));
  await client.send(new PutObjectCommand({ ...object, Body: 'kept' }));
  await end(first);
  await start();
  const { Body } = await client.send(new GetObjectCommand(object));
  expect(await Body?.transformToString()).toBe('kept');
  expect(await statusFor(port, 'localstack:4566')).toBe(200);
  expect(await statusFor(port, 'other:4566')).toBe(403);
});
