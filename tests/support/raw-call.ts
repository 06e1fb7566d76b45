import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { requireDocumentedAnswer } from './documented.ts';
import { stack } from './stack.ts';

interface RawQuestion {
  method: string;
  path: string;
  /** An array of values is sent as that many headers. */
  headers?: OutgoingHttpHeaders;
  /** The loopback address to come from. NGINX tells the functions of it, whatever a header says. */
  from?: string;
  body?: unknown;
}

export interface RawAnswer {
  status: number;
  headers: Headers;
  text: string;
}

/** Calls the API as `call` does, in ways that `fetch` has not. */
export async function rawCall({
  method,
  path,
  headers = {},
  from = '127.0.0.1',
  body,
}: RawQuestion) {
  const url = new URL(stack.api + path);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1',
      port: url.port,
      path: url.pathname + url.search,
      method,
      localAddress: from,
      headers: { 'content-type': 'application/json', 'x-client-address': from, ...headers },
      timeout: 60_000,
    });
    asked.on('response', resolve);
    asked.on('timeout', () => asked.destroy(new Error('no answer within a minute')));
    asked.on('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
  const answer: RawAnswer = {
    status: response.statusCode ?? 0,
    headers: new Headers(
      Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
    ),
    text: (await buffer(response)).toString(),
  };
  requireDocumentedAnswer({ method, path: url.pathname, ...answer });
  return answer;
}
