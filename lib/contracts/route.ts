import { z } from 'zod';
import type { AuditAction } from './audit.ts';
import { type Code, codes } from './codes.ts';
import type { RouteScope } from './scopes.ts';

export const basePath = '/api/v1';

/** An answer with a status below 400. Without a schema it has no body. */
export interface RouteAnswer {
  description: string;
  schema?: z.ZodType;
  example?: unknown;
  /** The same as CSV, with `Accept: text/csv`. */
  csv?: true;
  /** Documented headers, in their usual spelling. */
  headers?: z.ZodObject;
}

export interface RouteBody {
  schema: z.ZodType;
  example?: unknown;
  /** The size limit, if it differs from `sizes.requestBytes`. */
  maxBytes?: number;
}

/** Who may call. `either`: an account, or a browser without credentials, which is redirected. */
type Caller = 'public' | 'account' | 'either';

export interface Route {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Below `basePath`, parameters in braces. */
  path: string;
  operationId: string;
  summary: string;
  description?: string;
  caller: Caller;
  /** What an API key must be allowed to do. */
  scope: RouteScope;
  /** The action that the audit records for each request. Absent: the route changes nothing. */
  audit?: AuditAction;
  params?: z.ZodObject;
  query?: z.ZodObject;
  headers?: z.ZodObject;
  body?: RouteBody;
  answers: Record<number, RouteAnswer>;
  /** Error codes in addition to those of every route (`codesOf`). */
  codes: readonly Code[];
}

/** Returns all error codes of a route, by status. */
export function codesOf({ codes: own, caller, scope, body }: Route): Map<number, Code[]> {
  const all: Code[] = [
    ...(body ? (['malformed_body'] as const) : []),
    ...(caller === 'public' ? [] : (['unauthenticated'] as const)),
    ...(scope === null ? [] : (['forbidden'] as const)),
    ...own,
    'too_large',
    'too_many_requests',
    'internal',
    'unavailable',
  ];
  return Map.groupBy(new Set(all), (code) => codes[code].status);
}

export const secondsSchema = z.int().nonnegative();

/** Returns the schema of a text, documented by a description. */
export const described = (description: string) => z.string().meta({ description });

/** Errors of a query to a source. */
export const sourceCodes = ['source_timeout', 'source_unavailable', 'source_error'] as const;

const challenge = z.object({ 'WWW-Authenticate': z.literal('Bearer') });
const retryAfter = z.object({
  'Retry-After': secondsSchema.meta({ description: 'Seconds to wait before another attempt' }),
});

/** Returns the headers of an error response by its status, which are the same for every route. */
export function headersOfProblem(status: number): z.ZodObject | undefined {
  switch (status) {
    case 401:
      return challenge;
    case 429:
    case 503:
      return retryAfter;
    default:
      return undefined;
  }
}
