import { z } from 'zod';
import { type Code, codes } from './codes.ts';

export const basePath = '/api/v1';

/** An answer below 400. Without a schema it has no body. */
export interface RouteAnswer {
  description: string;
  schema?: z.ZodType;
  example?: unknown;
  /** Those worth knowing, by their usual spelling. */
  headers?: z.ZodObject;
}

export interface RouteBody {
  schema: z.ZodType;
  example?: unknown;
  /** How large it may be, where that is not the size of any request. */
  mostBytes?: number;
}

/** Who may call: anybody, an account, or either (a browser without credentials is sent elsewhere). */
type Caller = 'anybody' | 'account' | 'either';

export interface Route {
  method: 'get' | 'post' | 'put' | 'delete';
  /** Below `basePath`, parameters in braces. */
  path: string;
  operationId: string;
  summary: string;
  description?: string;
  caller: Caller;
  params?: z.ZodObject;
  query?: z.ZodObject;
  headers?: z.ZodObject;
  body?: RouteBody;
  answers: Record<number, RouteAnswer>;
  /** What it may refuse with, beside what any route may: see `codesOf`. */
  codes: readonly Code[];
}

/** All codes a route may answer with, by status. */
export function codesOf({ codes: own, caller, body }: Route): Map<number, Code[]> {
  const all: Code[] = [
    ...(body ? (['malformed_body'] as const) : []),
    ...(caller === 'anybody' ? [] : (['unauthenticated'] as const)),
    ...own,
    'too_large',
    'too_many_requests',
    'internal',
    'unavailable',
  ];
  return Map.groupBy(new Set(all), (code) => codes[code].status);
}

export const secondsSchema = z.int().nonnegative();

const challenge = z.object({ 'WWW-Authenticate': z.literal('Bearer') });
const tryAgain = z.object({
  'Retry-After': secondsSchema.meta({ description: 'Seconds to wait before the next try' }),
});

/** Headers that go with a refusal, whatever the route. */
export function headersOfProblem(status: number): z.ZodObject | undefined {
  switch (status) {
    case 401:
      return challenge;
    case 429:
    case 503:
      return tryAgain;
    default:
      return undefined;
  }
}
