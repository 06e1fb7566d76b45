import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { type Code, codeNames, codes } from './codes.ts';
import { exportDocumentSchema, exportFileSchema, manifestSchema } from './export-document.ts';
import { exportRequestSchema } from './export-request.ts';
import { allowUnknownProperties } from './json-schema.ts';
import { type Problem, problemSchema } from './problem.ts';
import {
  basePath,
  codesOf,
  headersOfProblem,
  type Route,
  type RouteAnswer,
  type RouteBody,
} from './route.ts';
import { routes } from './routes.ts';
import { scopesOf } from './scopes.ts';
import { sizes, sizeText } from './sizes.ts';
import { datasetSchema } from './sources.ts';

const description = `Complete, provable, authorised exports of PostgreSQL data.

Every error is \`application/problem+json\` (RFC 9457) with a \`code\` of this closed list. A failed export has one of them in \`error.code\`; download links under \`/files/\` answer with them as well.

| code | status | |
|---|---|---|
${codeNames.map((code) => `| \`${code}\` | ${codes[code].status} | ${codes[code].title} |`).join('\n')}

Responses may get further fields: ignore those that you do not know.`;

/** OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1.html), generated from the routes and their schemas. */
export const openApi = createDocument(
  {
    openapi: '3.1.1',
    info: {
      title: 'StreamSync',
      version: '1.0.0',
      description,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: basePath }],
    paths: pathsOf(routes),
    components: {
      schemas: {
        ExportRequest: exportRequestSchema,
        ExportDocument: exportDocumentSchema,
        ExportFile: exportFileSchema,
        Manifest: manifestSchema,
        Dataset: datasetSchema,
        Problem: problemSchema,
      },
      examples: Object.fromEntries(
        codeNames.map((code) => [code, { value: problemExample(code) }]),
      ),
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'The token of `POST /sessions`',
        },
        apiKey: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Api-Key',
          description:
            'A key of `POST /keys`. It needs the scopes that a route names; a route that names all of them also needs `admin` if the account is an administrator',
        },
      },
    },
  },
  {
    override: ({ jsonSchema, io }) => {
      if (io === 'output') allowUnknownProperties(jsonSchema);
    },
  },
);

function pathsOf(all: readonly Route[]): ZodOpenApiPathsObject {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of all)
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) };
  return paths;
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  const { operationId, summary, description: more, params, query, headers, body } = route;
  return {
    operationId,
    summary,
    ...(more === undefined ? {} : { description: more }),
    security: securityOf(route),
    requestParams: {
      ...(params ? { path: params } : {}),
      ...(query ? { query } : {}),
      ...(headers ? { header: headers } : {}),
    },
    ...(body ? { requestBody: requestBodyOf(body) } : {}),
    responses: responsesOf(route),
  };
}

function requestBodyOf({ schema, example, maxBytes = sizes.requestBytes }: RouteBody) {
  return {
    required: true,
    description: `At most ${sizeText(maxBytes)} bytes, ${sizes.depth} levels of nested arrays and objects, ${sizeText(sizes.stringBytes)} bytes of UTF-8 in a string`,
    content: {
      'application/json': { schema, ...(example === undefined ? {} : { example }) },
    },
  };
}

/** The scopes of an API key stand where OpenAPI has the roles that a caller needs. */
function securityOf({ caller, scope }: Route): Record<string, string[]>[] {
  const needed = scope === null ? [] : scope === 'all' ? [...scopesOf('analyst')] : [scope];
  const account = [{ bearer: [] }, { apiKey: needed }];
  switch (caller) {
    case 'public':
      return [];
    case 'account':
      return account;
    case 'either':
      return [...account, {}];
    default:
      return caller satisfies never;
  }
}

function responsesOf(route: Route): ZodOpenApiResponsesObject {
  const responses: Record<string, ZodOpenApiResponseObject> = {};
  for (const [status, answer] of Object.entries(route.answers))
    responses[status] = responseOf(answer);
  for (const [status, possible] of codesOf(route))
    responses[status] = problemResponseOf(status, possible);
  return responses;
}

function responseOf({
  description: text,
  schema,
  example,
  csv,
  headers,
}: RouteAnswer): ZodOpenApiResponseObject {
  return {
    description: text,
    ...(headers ? { headers } : {}),
    ...(schema
      ? {
          content: {
            'application/json': { schema, ...(example === undefined ? {} : { example }) },
            ...(csv ? { 'text/csv': { schema: z.string() } } : {}),
          },
        }
      : {}),
  };
}

function problemResponseOf(status: number, possible: readonly Code[]): ZodOpenApiResponseObject {
  const headers = headersOfProblem(status);
  return {
    description: possible.map((code) => `\`${code}\`: ${codes[code].title}`).join('; '),
    ...(headers ? { headers } : {}),
    content: {
      'application/problem+json': {
        schema: problemSchema,
        examples: Object.fromEntries(
          possible.map((code) => [code, { $ref: `#/components/examples/${code}` }]),
        ),
      },
    },
  };
}

function problemExample(code: Code): Problem {
  const { status, title } = codes[code];
  return {
    type: `urn:streamsync:problem:${code}`,
    title,
    status,
    detail: `${title}.`,
    code,
    requestId: '5f2b8c1e9a7d4036',
    ...(status === 422
      ? {
          errors: [
            { field: 'format', message: 'has a value that is not allowed', allowed: ['csv'] },
          ],
        }
      : {}),
  };
}
