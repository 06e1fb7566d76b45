/**
 * The process of one function instance. It loads the handler once and runs one invocation at a time.
 * It never outlives the process that started it.
 */
import { existsSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Context } from 'aws-lambda';
import { z } from 'zod';
import { type InstanceReport, type Invocation, invocationSchema } from './ipc-protocol.ts';

// Ends at once, as in Lambda: exit handlers could still have effects.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));

const maxResponseBytes = 6 * 1024 * 1024;
const extensions = ['.ts', '.mts', '.js', '.mjs', '.cjs'];

const { _HANDLER: handlerPath, ...runtime } = z
  .object({
    _HANDLER: z.string(),
    LAMBDA_TASK_ROOT: z.string(),
    AWS_LAMBDA_FUNCTION_NAME: z.string(),
    AWS_LAMBDA_FUNCTION_VERSION: z.string(),
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: z.string(),
    AWS_LAMBDA_LOG_GROUP_NAME: z.string(),
    AWS_LAMBDA_LOG_STREAM_NAME: z.string(),
  })
  .parse(process.env);

type Handler = (event: unknown, context: Omit<Context, 'done' | 'fail' | 'succeed'>) => unknown;

const isHandler = (value: unknown): value is Handler => typeof value === 'function';

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** Loads `dir/file.export` or `dir/file.outer.inner`: the file name ends at the first dot of the last segment. */
async function loadHandler(taskRoot: string, expression: string): Promise<Handler> {
  const [fileName = '', ...exportPath] = path.basename(expression).split('.');
  const base = path.resolve(taskRoot, path.dirname(expression), fileName);
  const file = extensions
    .map((extension) => base + extension)
    .find((candidate) => existsSync(candidate));
  if (file === undefined)
    throw new Error(`Runtime.ImportModuleError: no ${base}{${extensions.join(',')}}`);

  const module: unknown = await import(pathToFileURL(file).href);
  const resolve = (root: unknown): unknown => exportPath.reduce(member, root);
  // The default export has those exports of a CommonJS module that Node does not detect.
  const handler = resolve(module) ?? resolve(member(module, 'default'));
  if (!isHandler(handler))
    throw new Error(`Runtime.HandlerNotFound: ${expression} is undefined or not exported`);
  if (handler.length > 2)
    throw new Error(`Runtime.CallbackHandlerDeprecated: ${expression} has a callback`);
  return handler;
}

function report(message: InstanceReport): void {
  process.send?.(message);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** Returns a result as JSON would have it. Throws for one that has no JSON, or too much. */
function responseOf(result: unknown): unknown {
  const text = JSON.stringify(result) ?? 'null';
  if (Buffer.byteLength(text) > maxResponseBytes)
    throw new Error('Function.ResponseSizeTooLarge: the response has more than 6 MB');
  return JSON.parse(text);
}

async function invoke(
  handler: Handler,
  { requestId, invokedFunctionArn, deadline, event }: Invocation,
): Promise<void> {
  try {
    const result = await handler(event, {
      awsRequestId: requestId,
      callbackWaitsForEmptyEventLoop: true,
      functionName: runtime.AWS_LAMBDA_FUNCTION_NAME,
      functionVersion: runtime.AWS_LAMBDA_FUNCTION_VERSION,
      invokedFunctionArn,
      logGroupName: runtime.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: runtime.AWS_LAMBDA_LOG_STREAM_NAME,
      memoryLimitInMB: runtime.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    });
    report({ type: 'done', requestId, response: responseOf(result) });
  } catch (error) {
    console.error(error);
    report({ type: 'failed', requestId, reason: reasonOf(error) });
  }
}

const handler = await loadHandler(runtime.LAMBDA_TASK_ROOT, handlerPath);
// Node would do that at its exit, which a killed process does not have. Without NODE_COMPILE_CACHE it does nothing.
flushCompileCache();
process.on('message', (message) => void invoke(handler, invocationSchema.parse(message)));
report({ type: 'loaded' });
