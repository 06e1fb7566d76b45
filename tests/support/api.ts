import { z } from 'zod';
import { type ExportDocument, exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { problemSchema } from '../../lib/contracts/problem.ts';
import { requireDocumentedAnswer } from './documented.ts';
import { credentials, stack } from './stack.ts';
import { until } from './until.ts';

export interface Answer {
  status: number;
  headers: Headers;
  bytes: Buffer;
  /** The body as JSON by a schema. */
  json: <S extends z.ZodType>(schema: S) => z.output<S>;
  /** The body as a problem; throws if it is none. */
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
 * Calls the API by path, or any absolute URL. Bodies that are strings are sent as they are. Fails on an answer of
 * the API that OpenAPI does not tell of.
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
    signal: AbortSignal.timeout(30_000),
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (redirect === 'manual')
    requireDocumentedAnswer({
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
        throw new Error(`${response.status} is no problem+json: ${bytes.toString().slice(0, 200)}`);
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

const ends = ['ready', 'failed', 'cancelled', 'expired'];

/** Waits for the end of an export, whatever it is. */
export const ended = (id: string, seconds = 60): Promise<ExportDocument> =>
  until(
    `export ${id} ends`,
    async () => {
      const document = await readExport(id);
      return ends.includes(document.status) ? document : undefined;
    },
    { seconds },
  );

/** The file of an export, fetched by its owner's key through NGINX. */
export async function download(id: string): Promise<Answer> {
  return call('GET', `/exports/${id}/file`, { headers: asDemo, redirect: 'follow' });
}

const ticketSchema = z.object({ url: z.url(), expiresAt: z.iso.datetime() });

export async function ticketFor(id: string): Promise<string> {
  const answer = await call('POST', `/exports/${id}/download`, { headers: asDemo });
  return answer.json(ticketSchema).url;
}
