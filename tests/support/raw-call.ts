import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { assertDocumentedResponse } from './openapi-assertions.ts';
import { stack } from './stack.ts';

interface RawQuestion {
  method: string;
  path: string;
  /** An array of values is sent as that number of headers. */
  headers?: OutgoingHttpHeaders;
  /** The loopback address to call from. NGINX reports it to the functions and ignores forwarding headers. */
  from?: string;
  body?: unknown;
}

export interface RawAnswer {
  status: number;
  headers: Headers;
  text: string;
}

/** Calls the API in ways that `fetch` does not support. */
export async function rawCall({
  method,
  path,
  headers = {},
  from = '127.0.0.1',
  body,
}: RawQuestion) {
  const url = new URL(stack.api + path);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1',
      port: url.port,
      path: url.pathname + url.search,
      method,
      localAddress: from,
      headers: { 'content-type': 'application/json', 'x-client-address': from, ...headers },
      timeout: 60_000,
    });
    sent.on('response', resolve);
    sent.on('timeout', () => sent.destroy(new Error('no answer within 60 s')));
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
  const answer: RawAnswer = {
    status: response.statusCode ?? 0,
    headers: new Headers(
      Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
    ),
    text: (await buffer(response)).toString(),
  };
  assertDocumentedResponse({ method, path: url.pathname, ...answer });
  return answer;
}
