import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const functionsSchema = z.record(z.string(), z.looseObject({ handler: z.string() }));

/** The handler of each function by its name, `handlers/http/get-me.handler`. */
export type Handlers = Readonly<Record<string, string>>;

/** Returns the handlers of functions as serverless.yml or Serverless has them. Throws if one has no handler. */
export function handlersOf(functions: unknown): Handlers {
  return Object.fromEntries(
    Object.entries(functionsSchema.parse(functions)).map(([name, { handler }]) => [name, handler]),
  );
}

/** Returns the handlers of the serverless.yml in a directory. It needs none of the variables of a deployment. */
export function readHandlers(serviceDirectory: string): Handlers {
  const service: unknown = parse(readFileSync(join(serviceDirectory, 'serverless.yml'), 'utf8'));
  return handlersOf(z.looseObject({ functions: z.unknown() }).parse(service).functions);
}

/** Returns the path of the module of a handler without its extension: `handlers/http/get-me`. */
export const modulePathOf = (handler: string): string => handler.slice(0, handler.lastIndexOf('.'));
