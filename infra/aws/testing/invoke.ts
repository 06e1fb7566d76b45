import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { repoRoot } from '../../local/home/home.ts';
import { type Report, serveRuntimeApi } from './runtime-api.ts';

const runtimeClient = join(repoRoot, 'infra/aws/testing/aws-lambda-ric/index.mjs');
const httpClient = join(repoRoot, 'infra/aws/testing/http-client.ts');

/**
 * What Lambda's bootstrap adds to the command line: it collects garbage on demand and has other limits than Node.
 * The figures are those for 1,024 MB.
 */
const lambdaFlags = ['--expose-gc', '--max-semi-space-size=51', '--max-old-space-size=921'];

/** Shorter than on AWS, so that the sweep ends after one pass. */
const remainingMs = 8_000;
/** A function is ended after this time, from its start on. */
const endAfterMs = 25_000;

export interface Invocation {
  /** Directory of the unpacked artifact. */
  taskRoot: string;
  functionName: string;
  handler: string;
  event: unknown;
  environment: Readonly<Record<string, string>>;
}

export interface InvocationResult {
  /** The last report; undefined if none arrived in time, or before the process ended. */
  report: Report | undefined;
  /** From the start of the process until it asks for an event. */
  initMs: number;
  invokeMs: number;
  /** What the function wrote to its log. */
  log: string;
}

/** Starts a function with AWS's runtime client, as Lambda does, and invokes it once. */
export async function invoke(invocation: Invocation): Promise<InvocationResult> {
  const { taskRoot, functionName, handler, event, environment } = invocation;
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const startedAt = performance.now();
  let initialisedAt: number | undefined;
  let report: Report | undefined;
  let log = '';
  const api = await serveRuntimeApi({ functionName, event, remainingMs }, (latest) => {
    report = latest;
    if (latest.kind === 'initialised') initialisedAt = performance.now();
    else end();
  });
  const runtime = spawn(process.execPath, [...lambdaFlags, '--import', httpClient, runtimeClient], {
    cwd: taskRoot,
    env: {
      ...environment,
      AWS_LAMBDA_RUNTIME_API: api.address,
      AWS_LAMBDA_FUNCTION_NAME: functionName,
      LAMBDA_TASK_ROOT: taskRoot,
      _HANDLER: handler,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: endAfterMs,
    killSignal: 'SIGKILL',
  });
  for (const stream of [runtime.stdout, runtime.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  const { promise: exited, resolve: exit } = Promise.withResolvers<void>();
  runtime.on('error', end).on('exit', () => end());
  runtime.on('close', exit);
  await ended;
  const endedAt = performance.now();
  // Lambda freezes a function after its answer. Here it ends.
  runtime.kill('SIGKILL');
  await exited;
  api.close();
  const initMs = (initialisedAt ?? endedAt) - startedAt;
  return { report, initMs, invokeMs: endedAt - startedAt - initMs, log };
}
