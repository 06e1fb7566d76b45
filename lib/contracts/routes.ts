import { z } from 'zod';
import { accessRoutes, accountParams } from './access-routes.ts';
import { accountRoutes } from './account-routes.ts';
import { adminRoutes } from './admin-routes.ts';
import { healthExample, keySetExample, limitsExample } from './examples.ts';
import { exportRoutes } from './export-routes.ts';
import { healthSchema } from './health.ts';
import { keySetSchema } from './key-set.ts';
import { accountLimitsSchema } from './limits.ts';
import { liveRoutes } from './live.ts';
import { readingRoutes } from './reading-routes.ts';
import { basePath, described, type Route } from './route.ts';
import { credentialsSchema, sessionSchema } from './sessions.ts';
import { sizes } from './sizes.ts';
import { sourceRoutes } from './source-routes.ts';

/**
 * Every route of the API. The OpenAPI document is generated from this table, and tests check every response against it.
 */
export const routes: readonly Route[] = [
  {
    method: 'post',
    path: '/sessions',
    operationId: 'createSession',
    summary: 'Sign in by email and password',
    caller: 'public',
    scope: null,
    audit: 'session.create',
    body: {
      maxBytes: sizes.signInBytes,
      schema: credentialsSchema,
      example: { email: 'analyst@example.com', password: 'correct horse battery staple' },
    },
    answers: {
      201: { description: 'A token for `Authorization: Bearer`', schema: sessionSchema },
    },
    codes: ['invalid_credentials', 'invalid_request', 'too_many_requests'],
  },
  {
    method: 'get',
    path: '/accounts/{email}/limits',
    operationId: 'getLimits',
    summary: 'The limits and quotas of an account (administrators)',
    caller: 'account',
    scope: 'admin',
    params: accountParams,
    answers: {
      200: { description: 'The limits', schema: accountLimitsSchema, example: limitsExample },
    },
    codes: ['forbidden', 'not_found'],
  },
  {
    method: 'put',
    path: '/accounts/{email}/limits',
    operationId: 'setLimits',
    summary: 'Set the limits and quotas of an account (administrators)',
    description:
      'Applies to exports requested, and units started, from now on. An export whose estimate is more than twice a limit is rejected; an export that exceeds a limit fails. A quota that is absent is the default of the deployment; an export over a quota is rejected with 429.',
    caller: 'account',
    scope: 'admin',
    audit: 'account.set-limits',
    params: accountParams,
    body: { schema: accountLimitsSchema, example: limitsExample },
    answers: {
      200: { description: 'The limits', schema: accountLimitsSchema, example: limitsExample },
    },
    codes: ['forbidden', 'not_found', 'invalid_request'],
  },
  ...accountRoutes,
  ...adminRoutes,
  ...accessRoutes,
  ...sourceRoutes,
  ...exportRoutes,
  ...liveRoutes,
  ...readingRoutes,
  {
    method: 'get',
    path: '/.well-known/jwks.json',
    operationId: 'getKeys',
    summary: 'The public keys that verify manifests and session tokens',
    description: 'At `/.well-known/jwks.json` of the origin as well.',
    caller: 'public',
    scope: null,
    answers: {
      200: {
        description: 'A JWK Set (RFC 7517): the key that signs, and former ones',
        schema: keySetSchema,
        example: keySetExample,
        headers: z.object({ 'Cache-Control': described('How long it may be cached') }),
      },
    },
    codes: [],
  },
  {
    method: 'get',
    path: '/health',
    operationId: 'getHealth',
    summary: 'The health of the system',
    description:
      'Answers are cached for 2 seconds. 503 means that the catalogue is down, without which nothing works.',
    caller: 'public',
    scope: null,
    answers: {
      200: {
        description: 'Everything works (`ok`), or `problems` lists what does not (`degraded`)',
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
    caller: 'public',
    scope: null,
    answers: {
      200: { description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.string() }) },
    },
    codes: [],
  },
  {
    method: 'get',
    path: '/asyncapi.json',
    operationId: 'getAsyncApi',
    summary: 'The document of the events in Kafka',
    caller: 'public',
    scope: null,
    answers: {
      200: { description: 'AsyncAPI 3.0', schema: z.looseObject({ asyncapi: z.string() }) },
    },
    codes: [],
  },
];

/** Returns the route of a path that starts with `basePath`, undefined for an unknown path. */
export function findRoute(method: string, path: string): Route | undefined {
  const segments = path.split('/');
  return routes.find((route) => {
    const pattern = (basePath + route.path).split('/');
    return (
      route.method === method.toLowerCase() &&
      pattern.length === segments.length &&
      pattern.every((part, n) => (part.startsWith('{') ? segments[n] !== '' : part === segments[n]))
    );
  });
}
