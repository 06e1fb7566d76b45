import { Ajv } from 'ajv';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { asyncApi } from '../../lib/contracts/asyncapi.ts';
import { socketMessageName } from '../../lib/contracts/asyncapi-live.ts';
import { openApi } from '../../lib/contracts/openapi.ts';
import { basePath } from '../../lib/contracts/route.ts';
import { findRoute } from '../../lib/contracts/routes.ts';

/**
 * Compares answers and events with the published documents themselves, not with the schemas from which they are
 * generated.
 */
const openApiSchemas = new Ajv2020({ strict: false }).addSchema(openApi, 'openapi');
const asyncApiSchemas = new Ajv({ strict: false }).addSchema(asyncApi, 'asyncapi');
formats.default(openApiSchemas);
formats.default(asyncApiSchemas);

interface SeenResponse {
  method: string;
  /** The URL without its origin. */
  path: string;
  status: number;
  headers: Headers;
  text: string;
}

/** Throws if OpenAPI does not document such an answer. Ignores paths outside the API. */
export function assertDocumentedResponse({
  method,
  path,
  status,
  headers,
  text,
}: SeenResponse): void {
  const route = findRoute(method, path.split('?')[0] ?? '');
  if (!route) {
    if (path.startsWith(`${basePath}/`) && status !== 404)
      throw new Error(`${method} ${path} answers ${status} and is not in OpenAPI`);
    return;
  }
  const here = `${route.method.toUpperCase()} ${route.path} ${status}`;
  const response = openApi.paths?.[route.path]?.[route.method]?.responses?.[String(status)];
  if (!response || '$ref' in response) throw new Error(`${here} is not in OpenAPI`);
  for (const [name, header] of Object.entries(response.headers ?? {}))
    if (isRequired(header) && !headers.has(name))
      throw new Error(`${here} lacks the header ${name}`);
  const type = headers.get('content-type')?.split(';')[0] ?? 'none';
  if (response.content === undefined) {
    if (text !== '') throw new Error(`${here} has a body, which OpenAPI does not document`);
    return;
  }
  if (!(type in response.content))
    throw new Error(`${here} has content type ${type}, which is not in OpenAPI`);
  // Its schema is that of any text.
  if (type === 'text/csv') return;
  const pointer = [
    'paths',
    route.path,
    route.method,
    'responses',
    status,
    'content',
    type,
    'schema',
  ];
  assertValid(here, openApiSchemas.getSchema(`openapi#${pointerOf(pointer)}`), text);
}

/** Throws if AsyncAPI does not document such an event. */
export function assertDocumentedEvent(text: string): void {
  const type: unknown = JSON.parse(text).type;
  const name = /^streamsync\.export\.(\w+)\.v1$/.exec(String(type))?.[1] ?? '';
  if (!Object.hasOwn(asyncApi.components.messages, name))
    throw new Error(`${String(type)} is not in AsyncAPI`);
  const pointer = ['components', 'messages', name, 'payload'];
  assertValid(name, asyncApiSchemas.getSchema(`asyncapi#${pointerOf(pointer)}`), text);
}

/** Throws if AsyncAPI does not document such a message of the live socket. */
export function assertDocumentedMessage(text: string): void {
  const name = socketMessageName(String(JSON.parse(text).type));
  if (!Object.hasOwn(asyncApi.components.messages, name))
    throw new Error(`${name} is not in AsyncAPI`);
  const pointer = ['components', 'messages', name, 'payload'];
  assertValid(name, asyncApiSchemas.getSchema(`asyncapi#${pointerOf(pointer)}`), text);
}

function assertValid(what: string, check: ValidateFunction | undefined, text: string): void {
  if (!check) throw new Error(`the documents have no schema for ${what}`);
  if (!check(JSON.parse(text)))
    throw new Error(`${what} is not as documented: ${JSON.stringify(check.errors)}\n${text}`);
}

const isRequired = (header: unknown): boolean =>
  typeof header === 'object' && header !== null && 'required' in header && header.required === true;

const pointerOf = (path: readonly (string | number)[]): string =>
  path
    .map(
      (part) => `/${encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1'))}`,
    )
    .join('');
