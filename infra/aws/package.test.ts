/**
 * `serverless package` as for a deployment, in a copy of the working directory, and each artifact of it loaded and invoked
 * once by AWS's runtime client. Of what they use only Secrets Manager answers.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fromBufferPromise } from 'yauzl';
import { z } from 'zod';
import { problemSchema } from '../../lib/contracts/problem.ts';
import { countXlsxRows } from '../../lib/verify/xlsx-rows.ts';
import { makeArtifacts } from './artifacts.ts';
import { bundleHandlers } from './bundle.ts';
import { modulePathOf, readHandlers } from './functions.ts';
import {
  copyOfService,
  deployment,
  deploymentSecret,
  deploymentVariables,
  lambdaVariables,
  packageService,
  strayFiles,
} from './testing/deployment.ts';
import { eventOf } from './testing/event-of.ts';
import { type InvocationResult, invoke } from './testing/invoke.ts';
import { type SecretsManager, startSecretsManager } from './testing/secrets-manager/server.ts';
import { readTemplate, type Template } from './testing/template.ts';
import { unzip, writeFiles } from './testing/unzip.ts';

const handlers = readHandlers('.');
const names = Object.keys(handlers);
let service: string;
let template: Template;
let secretsManager: SecretsManager;
let secretArn: string;
/** The files of each artifact. */
const artifacts = new Map<string, Map<string, Buffer>>();
const invocations = new Map<string, Promise<InvocationResult>>();

const pathOf = (name: string): string => join(service, 'dist/functions', `${name}.zip`);
const bytesOf = (name: string): number =>
  [...(artifacts.get(name)?.values() ?? [])].reduce((sum, { length }) => sum + length, 0);
const environmentOf = (name: string): Record<string, string> => ({
  ...template.functions.find(({ FunctionName }) => FunctionName === `streamsync-prod-${name}`)
    ?.Environment.Variables,
  ...lambdaVariables,
  ...secretsManager.environment,
  STREAMSYNC_SECRET_ARN: secretArn,
});

beforeAll(async () => {
  service = copyOfService();
  await packageService(service, deploymentVariables);
  template = readTemplate(service);
  secretsManager = await startSecretsManager(deployment.region);
  secretArn = await secretsManager.create('streamsync', JSON.stringify(deploymentSecret));
  for (const name of names) artifacts.set(name, await unzip(pathOf(name)));
});
afterAll(() => {
  secretsManager.stop();
  rmSync(service, { recursive: true });
});

describe('the artifact of each function', () => {
  test('has its bundle, those of its worker threads and the files of pipelines, and no other file', () => {
    const threads = new Map([['export-worker', ['handlers/kafka/encoder-thread.mjs']]]);
    for (const [name, handler] of Object.entries(handlers)) {
      const entries = [...(artifacts.get(name)?.keys() ?? [])];
      const code = entries.filter(
        (entry) =>
          entry !== 'database-ca.pem' &&
          !entry.startsWith('docs/examples/pipelines/') &&
          !(name === 'prepare' && entry.endsWith('.sql')),
      );
      expect(entries).toContain('database-ca.pem');
      expect(code).toEqual([`${modulePathOf(handler)}.mjs`, ...(threads.get(name) ?? [])]);
      expect(entries).not.toContainEqual(expect.stringMatching(new RegExp(strayFiles.join('|'))));
    }
    expect(
      [...(artifacts.get('prepare')?.keys() ?? [])].filter((entry) => entry.endsWith('.sql')),
    ).toEqual(
      ['migrations', 'readings'].flatMap((store) =>
        readdirSync(join('infra/postgres', store)).map(
          (file) => `handlers/operations/${store}/${file}`,
        ),
      ),
    );
    expect([...(artifacts.get('ingest-readings')?.keys() ?? [])]).toEqual([
      'handlers/kafka/ingest-readings.mjs',
      'database-ca.pem',
      'docs/examples/pipelines/machine-log.yaml',
      'docs/examples/pipelines/telegraf.yaml',
      'docs/examples/pipelines/weather-station.json',
    ]);
  });

  test('has at most 5 MB, unpacked', () => {
    for (const name of names) expect(bytesOf(name)).toBeLessThanOrEqual(5_000_000);
  });

  test('has the same bytes whenever it is made', async () => {
    const [again] = await makeArtifacts(
      { 'get-me': 'handlers/http/get-me.handler' },
      {
        root: service,
        directory: join(service, 'again'),
        pipelines: '',
        databaseCa: deployment.databaseCa,
      },
    );
    const first = readFileSync(pathOf('get-me'));
    expect(first.equals(readFileSync(again?.path ?? ''))).toBe(true);
  });
});

describe('the template', () => {
  test('gives each function an artifact of its own, in which its handler is', () => {
    expect(template.functions).toHaveLength(names.length);
    for (const { FunctionName, Handler, Runtime, Architectures, Code } of template.functions) {
      const name = FunctionName.replace('streamsync-prod-', '');
      expect(basename(Code.S3Key)).toBe(`${name}.zip`);
      expect([...(artifacts.get(name)?.keys() ?? [])]).toContain(`${modulePathOf(Handler)}.mjs`);
      expect({ Runtime, Architectures }).toEqual({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
      });
    }
  });

  test('has the cluster of the deployment in each event source, and no account of a placeholder', () => {
    expect(template.mappings.length).toBeGreaterThanOrEqual(6);
    for (const { EventSourceArn } of template.mappings)
      expect(EventSourceArn).toBe(deployment.clusterArn);
    expect(template.text).not.toContain('000000000000');
  });
});

/** What a function answers where no component of the system can be reached. */
const unavailable = { statusCode: 503, code: 'unavailable' };
const answers: Readonly<Record<string, object>> = {
  'create-session': { statusCode: 422, code: 'invalid_request' },
  'finish-oidc': { statusCode: 422, code: 'invalid_request' },
  'start-oidc': { statusCode: 404, code: 'not_found' },
  'not-found': { statusCode: 404, code: 'not_found' },
  'get-sign-in-methods': { statusCode: 200 },
  'get-key-set': { statusCode: 200 },
  'get-openapi': { statusCode: 200 },
  'get-asyncapi': { statusCode: 200 },
};

const httpResultSchema = z.object({
  statusCode: z.int(),
  headers: z.looseObject({
    'content-type': z.enum(['application/json', 'application/problem+json']),
  }),
  body: z.string(),
});

function answerOf(response: unknown): object {
  const { statusCode, body } = httpResultSchema.parse(response);
  const json: unknown = JSON.parse(body);
  return statusCode < 400 ? { statusCode } : { statusCode, code: problemSchema.parse(json).code };
}

describe('in AWS’s runtime client', () => {
  const namesIn = (folder: string): string[] =>
    names.filter((name) => handlers[name]?.startsWith(`handlers/${folder}/`));

  /** Two functions run at a time, in the order of their names. */
  beforeAll(() => {
    const waiting: (() => void)[] = [];
    for (const [name, handler] of Object.entries(handlers)) {
      const turn = Promise.withResolvers<void>();
      waiting.push(turn.resolve);
      invocations.set(
        name,
        turn.promise.then(() => invokeArtifact(name, handler)).finally(() => waiting.shift()?.()),
      );
    }
    waiting.shift()?.();
    waiting.shift()?.();
  });

  async function invokeArtifact(name: string, handler: string): Promise<InvocationResult> {
    const taskRoot = join(service, 'unpacked', name);
    await writeFiles(taskRoot, artifacts.get(name) ?? new Map());
    return invoke({
      taskRoot,
      functionName: `streamsync-prod-${name}`,
      handler,
      event: eventOf(name),
      environment: environmentOf(name),
    });
  }

  async function responseOf(name: string): Promise<unknown> {
    const result = await invocations.get(name);
    if (result?.report?.kind !== 'response')
      throw new Error(`${name}: ${JSON.stringify(result?.report)}\n${result?.log}`);
    return result.report.response;
  }

  test.each(namesIn('http'))('%s answers a request', async (name) => {
    expect(answerOf(await responseOf(name))).toEqual(answers[name] ?? unavailable);
  });

  test.each(namesIn('kafka').filter((name) => name !== 'push-export-events'))(
    '%s fails for lack of a catalogue or broker, so that the batch is delivered again',
    async (name) => {
      expect(await invocations.get(name)).toMatchObject({
        report: { kind: 'error', error: { errorMessage: expect.stringContaining('ECONNREFUSED') } },
      });
    },
  );

  test('push-export-events leaves out records that are no events', async () => {
    expect(await responseOf('push-export-events')).toBeNull();
  });

  test('sweep ends a pass whose steps failed', async () => {
    expect(await responseOf('sweep')).toBeNull();
  });

  test('live-connect refuses a connection', async () => {
    expect(await responseOf('live-connect')).toEqual({ statusCode: 503 });
  });

  test('live-message answers a message', async () => {
    expect(await responseOf('live-message')).toEqual({
      statusCode: 200,
      body: expect.stringContaining('"type":"error","code":"unavailable"'),
    });
  });

  test('prepare fails for a secret that does not exist, and says so', async () => {
    expect(await invocations.get('prepare')).toMatchObject({
      report: {
        kind: 'error',
        error: {
          errorMessage: expect.stringMatching(/^secret: .*can't find the specified secret/),
        },
      },
    });
  });

  test('live-disconnect has no receiver of an error', async () => {
    expect(await responseOf('live-disconnect')).toEqual({ statusCode: 200 });
  });

  describe('the secret of the deployment', () => {
    const start = (arn: string): Promise<InvocationResult> =>
      invoke({
        taskRoot: join(service, 'unpacked/get-key-set'),
        functionName: 'streamsync-prod-get-key-set',
        handler: handlers['get-key-set'] ?? '',
        event: eventOf('get-key-set'),
        environment: { ...environmentOf('get-key-set'), STREAMSYNC_SECRET_ARN: arn },
      });
    const errorOf = ({ report }: InvocationResult): string =>
      report?.kind === 'init error' ? report.error.errorMessage : '';

    test('is what a function has its keys and sources from, more than fit into its environment', async () => {
      expect(JSON.stringify(deploymentSecret).length).toBeGreaterThan(2 * 4_096);
      const { body } = httpResultSchema.parse(await responseOf('get-key-set'));
      expect(JSON.parse(body)).toMatchObject({ keys: [{ kid: 'change-me' }] });
    });

    test('is needed: a function does not start with one that does not exist', async () => {
      expect(errorOf(await start(secretArn.replace(/\w{6}$/, 'absent')))).toMatch(
        /can't find the specified secret/,
      );
    });

    test('is checked: a function does not start with an unknown name, and shows no value', async () => {
      const arn = await secretsManager.create('wrong', '{"STREAMSYNC_TOKEN": "secret-value"}');
      const result = await start(arn);
      expect(errorOf(result)).toMatch(/Errors in the secret[\s\S]*STREAMSYNC_TOKEN/);
      expect(JSON.stringify(result)).not.toContain('secret-value');
    });
  });

  test('a bundle encodes XLSX in the worker thread that the export worker has, and NDJSON by a kernel', async () => {
    const handler = 'infra/aws/testing/encode.handler';
    const files = (await bundleHandlers([handler], service)).get(handler)?.files;
    const taskRoot = join(service, 'unpacked/encode');
    await writeFiles(taskRoot, files ?? new Map());
    const thread = files?.get('infra/aws/testing/encoder-thread.mjs') ?? Buffer.alloc(0);
    const packed = artifacts.get('export-worker')?.get('handlers/kafka/encoder-thread.mjs');
    expect(packed?.equals(thread)).toBe(true);
    const { report, log } = await invoke({
      taskRoot,
      functionName: 'encode',
      handler,
      event: { rows: 20_000 },
      environment: environmentOf('export-worker'),
    });
    expect({ kind: report?.kind, log }).toMatchObject({ kind: 'response' });
    const response = report?.kind === 'response' ? report.response : undefined;
    const { xlsx, ndjson } = z.object({ xlsx: z.string(), ndjson: z.string() }).parse(response);
    const zip = await fromBufferPromise(Buffer.from(xlsx, 'base64'));
    expect(await countXlsxRows(zip)).toBe(20_000);
    const lines = Buffer.from(ndjson, 'base64').toString().split('\n');
    expect([lines.length, lines.at(-2)]).toEqual([20_001, '{"text":"row 19999"}']);
  });

  afterAll(async () => {
    const rows = await Promise.all(
      [...invocations].map(async ([name, invocation]) => {
        const { initMs, invokeMs } = await invocation;
        return `${name.padEnd(24)}${String(Math.ceil(bytesOf(name) / 1_000)).padStart(6)} kB, init${String(Math.round(initMs)).padStart(5)} ms, event${String(Math.round(invokeMs)).padStart(5)} ms`;
      }),
    );
    console.info(rows.join('\n'));
  });
});
