import { z } from 'zod';
import { type ExportDocument, exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { problemSchema } from '../../lib/contracts/problem.ts';
import { assertDocumentedResponse } from './openapi-assertions.ts';
import { credentials, stack } from './stack.ts';
import { waitFor } from './wait-for.ts';

export interface Answer {
  status: number;
  headers: Headers;
  bytes: Buffer;
  /** Returns the body as JSON, parsed by a schema. */
  json: <S extends z.ZodType>(schema: S) => z.output<S>;
  /** Returns the body as a problem; throws if the body is not `application/problem+json`. */
  problem: () => z.infer<typeof problemSchema>;
}

interface Question {
  body?: unknown;
  headers?: Record<string, string>;
  redirect?: 'manual' | 'follow';
}

export const asDemo = { 'x-api-key': credentials.demo.apiKey };
export const asAdmin = { 'x-api-key': credentials.admin.apiKey };
export const asOther = { 'x-api-key': credentials.other.apiKey };

/**
 * Calls the API by path, or any absolute URL. A string body is sent unchanged. Throws if OpenAPI does not document
 * the answer of the API.
 */
export async function call(
  method: string,
  path: string,
  { body, headers = {}, redirect = 'manual' }: Question = {},
): Promise<Answer> {
  const url = path.startsWith('http') ? path : stack.api + path;
  const response = await fetch(url, {
    method,
    redirect,
    signal: AbortSignal.timeout(90_000),
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (redirect === 'manual')
    assertDocumentedResponse({
      method,
      path: url.slice(new URL(url).origin.length),
      status: response.status,
      headers: response.headers,
      text: bytes.toString(),
    });
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    json: (schema) => schema.parse(JSON.parse(bytes.toString())),
    problem: () => {
      if (response.headers.get('content-type') !== 'application/problem+json')
        throw new Error(
          `${response.status} is not problem+json: ${bytes.toString().slice(0, 200)}`,
        );
      return problemSchema.parse(JSON.parse(bytes.toString()));
    },
  };
}

export const monthOfOrders = {
  sources: ['sales'],
  dataset: 'orders',
  from: '2024-03-01T00:00:00Z',
  to: '2024-04-01T00:00:00Z',
  format: 'csv',
};

export async function createExport(request: object, headers: Record<string, string> = asDemo) {
  const answer = await call('POST', '/exports', { body: request, headers });
  if (answer.status !== 202) throw new Error(`${answer.status} ${answer.bytes.toString()}`);
  return answer.json(exportDocumentSchema);
}

export async function readExport(id: string): Promise<ExportDocument> {
  return (await call('GET', `/exports/${id}`, { headers: asDemo })).json(exportDocumentSchema);
}

const finalStatuses = ['ready', 'failed', 'cancelled', 'expired'];

/** Waits until an export ends, in whichever state. */
export const ended = (id: string, seconds = 60, everyMs = 100): Promise<ExportDocument> =>
  waitFor(
    `export ${id} ends`,
    async () => {
      const document = await readExport(id);
      return finalStatuses.includes(document.status) ? document : undefined;
    },
    { seconds, everyMs },
  );

/** Returns the file of an export, downloaded through NGINX with the key of its owner. */
export async function download(id: string): Promise<Answer> {
  return call('GET', `/exports/${id}/file`, { headers: asDemo, redirect: 'follow' });
}

const ticketSchema = z.object({ url: z.url(), expiresAt: z.iso.datetime() });

export async function ticketFor(id: string): Promise<string> {
  const answer = await call('POST', `/exports/${id}/download`, { headers: asDemo });
  return answer.json(ticketSchema).url;
}
