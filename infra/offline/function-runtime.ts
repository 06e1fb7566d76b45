/**
 * One instance of a function: the process that loads its handler, once, and runs it for one
 * invocation after the other. It never outlives the process that started it.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Context } from 'aws-lambda';
import { z } from 'zod';
import { type InstanceReport, Invocation } from './messages.ts';

// As Lambda ends an instance: at once, without exit handlers that could still have effects.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));

const EXTENSIONS = ['.ts', '.mts', '.js', '.mjs', '.cjs'];

const { _HANDLER: HANDLER, ...runtime } = z
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

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;

/** `dir/file.export` or `dir/file.outer.inner`: everything up to the first dot of the last part names the file. */
const loadHandler = async (taskRoot: string, expression: string): Promise<Handler> => {
  const [fileName = '', ...exportPath] = path.basename(expression).split('.');
  const base = path.resolve(taskRoot, path.dirname(expression), fileName);
  const file = EXTENSIONS.map((extension) => base + extension).find((candidate) =>
    existsSync(candidate),
  );
  if (file === undefined)
    throw new Error(`Runtime.ImportModuleError: no ${base}{${EXTENSIONS.join(',')}}`);

  const module: unknown = await import(pathToFileURL(file).href);
  const resolve = (root: unknown): unknown => exportPath.reduce(member, root);
  // The exports of a CommonJS module that Node could not name are on its default export.
  const handler = resolve(module) ?? resolve(member(module, 'default'));
  if (!isHandler(handler))
    throw new Error(`Runtime.HandlerNotFound: ${expression} is undefined or not exported`);
  return handler;
};

const report = (message: InstanceReport): void => {
  process.send?.(message);
};

const reasonOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

const invoke = async (
  handler: Handler,
  { requestId, invokedFunctionArn, deadline, event }: Invocation,
): Promise<void> => {
  try {
    await handler(event, {
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
    report({ type: 'done', requestId });
  } catch (error) {
    console.error(error);
    report({ type: 'failed', requestId, reason: reasonOf(error) });
  }
};

const handler = await loadHandler(runtime.LAMBDA_TASK_ROOT, HANDLER);
process.on('message', (message) => void invoke(handler, Invocation.parse(message)));
report({ type: 'loaded' });
