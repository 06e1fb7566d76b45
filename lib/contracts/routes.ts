import { z } from 'zod';
import { accessRoutes, accountParams } from './access-routes.ts';
import { healthExample, keySetExample, limitsExample } from './examples.ts';
import { exportRoutes } from './export-routes.ts';
import { healthSchema } from './health.ts';
import { keySetSchema } from './key-set.ts';
import { limitsSchema } from './limits.ts';
import { basePath, type Route } from './route.ts';
import { credentialsSchema, sessionSchema } from './sessions.ts';
import { sizes } from './sizes.ts';
import { sourceRoutes } from './source-routes.ts';

const described = (description: string) => z.string().meta({ description });

/**
 * Every route of the API: the one table from which its document is made, and against which the suites
 * hold every answer they get.
 */
export const routes: readonly Route[] = [
  {
    method: 'post',
    path: '/sessions',
    operationId: 'createSession',
    summary: 'Sign in by email and password',
    caller: 'anybody',
    body: {
      mostBytes: sizes.signInBytes,
      schema: credentialsSchema,
      example: { email: 'analyst@example.com', password: 'correct horse battery staple' },
    },
    answers: {
      201: { description: 'A token for `Authorization: Bearer`', schema: sessionSchema },
    },
    codes: ['wrong_credentials', 'refused_request', 'too_many_requests'],
  },
  {
    method: 'get',
    path: '/accounts/{email}/limits',
    operationId: 'getLimits',
    summary: 'What one export of an account may be (administrators)',
    caller: 'account',
    params: accountParams,
    answers: { 200: { description: 'The limits', schema: limitsSchema, example: limitsExample } },
    codes: ['forbidden', 'not_found'],
  },
  {
    method: 'put',
    path: '/accounts/{email}/limits',
    operationId: 'setLimits',
    summary: 'Say what one export of an account may be (administrators)',
    description:
      'Counts for what is asked for and for what is begun from now on. An export that is expected to be more than twice a limit is refused; one that turns out to be over it fails.',
    caller: 'account',
    params: accountParams,
    body: { schema: limitsSchema, example: limitsExample },
    answers: { 200: { description: 'The limits', schema: limitsSchema, example: limitsExample } },
    codes: ['forbidden', 'not_found', 'refused_request'],
  },
  ...accessRoutes,
  ...sourceRoutes,
  ...exportRoutes,
  {
    method: 'get',
    path: '/.well-known/jwks.json',
    operationId: 'getKeys',
    summary: 'The public keys by which manifests are verified',
    description: 'At `/.well-known/jwks.json` of the origin as well.',
    caller: 'anybody',
    answers: {
      200: {
        description: 'A JWK Set (RFC 7517): the key that signs, and those that have signed',
        schema: keySetSchema,
        example: keySetExample,
        headers: z.object({ 'Cache-Control': described('How long it may be kept') }),
      },
    },
    codes: [],
  },
  {
    method: 'get',
    path: '/health',
    operationId: 'getHealth',
    summary: 'Whether everything works',
    description:
      'Ask every few seconds at most: answers are kept for 2 seconds. 503 is the answer where nothing works, which is when the catalogue is away.',
    caller: 'anybody',
    answers: {
      200: {
        description:
          'It works (`ok`), or some of it does not (`degraded`, and `problems` says what)',
        schema: healthSchema,
        example: healthExample,
      },
    },
    codes: [],
  },
  {
    method: 'get',
    path: '/openapi.json',
    operationId: 'getOpenApi',
    summary: 'This document',
    caller: 'anybody',
    answers: {
      200: { description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.string() }) },
    },
    codes: [],
  },
  {
    method: 'get',
    path: '/asyncapi.json',
    operationId: 'getAsyncApi',
    summary: 'The same for the events in Kafka',
    caller: 'anybody',
    answers: {
      200: { description: 'AsyncAPI 3.0', schema: z.looseObject({ asyncapi: z.string() }) },
    },
    codes: [],
  },
];

/** The route of a path that starts with `basePath`; undefined if only the catch-all takes it. */
export function findRoute(method: string, path: string): Route | undefined {
  const asked = path.split('/');
  return routes.find((route) => {
    const parts = (basePath + route.path).split('/');
    return (
      route.method === method.toLowerCase() &&
      parts.length === asked.length &&
      parts.every((part, n) => (part.startsWith('{') ? asked[n] !== '' : part === asked[n]))
    );
  });
}
