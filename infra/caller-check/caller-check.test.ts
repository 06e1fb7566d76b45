import { createServer, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checkCallers } from './caller-check.ts';

const secret = 's'.repeat(43);
const called: string[] = [];
// The server has its listener before the check starts, as in serverless-offline.
const server = createServer((incoming, response) => {
  called.push(incoming.url ?? '');
  response.end('called');
});
server.on('upgrade', (incoming, socket) => {
  called.push(incoming.url ?? '');
  socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
});
let port = 0;
let endCheck = (): void => {};

beforeAll(async () => {
  endCheck = checkCallers(secret);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  port = address.port;
});
afterAll(() => {
  // The suites of a run share one process.
  endCheck();
  server.closeAllConnections();
  server.close();
});

const invocation = '/2015-03-31/functions/streamsync-local-sweep/invocations';

function ask(
  headers: Record<string, string>,
  { path = '/', method = 'GET', body = '' } = {},
): Promise<{ status: number | string; headers: NodeJS.Dict<string | string[]>; text: string }> {
  return new Promise((resolve) => {
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers });
    outgoing.on('response', (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += String(chunk)));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }),
      );
    });
    outgoing.on('upgrade', (answer, socket) => {
      socket.destroy();
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: '' });
    });
    outgoing.on('error', (error) => resolve({ status: error.message, headers: {}, text: '' }));
    outgoing.end(body);
  });
}

describe('a server with checkCallers', () => {
  test('answers requests with the secret', async () => {
    expect(await ask({ 'x-door-secret': secret })).toMatchObject({ status: 200, text: 'called' });
    expect(
      await ask({ 'x-door-secret': secret }, { path: invocation, method: 'POST', body: '{}' }),
    ).toMatchObject({ status: 200 });
    // A browser's request to the page's own address arrives like this through NGINX.
    expect(await ask({ 'x-door-secret': secret, origin: 'http://localhost' })).toMatchObject({
      status: 200,
    });
  });

  test.each([
    ['a request without the secret', {}, {}],
    ['a request with another secret', { 'x-door-secret': 't'.repeat(43) }, {}],
    ['a request with a shorter secret', { 'x-door-secret': secret.slice(1) }, {}],
    ['a preflight', { origin: 'http://evil.example' }, { method: 'OPTIONS' }],
    ['a form', { origin: 'http://evil.example' }, { method: 'POST', body: 'x'.repeat(1e6) }],
    ['a request with Expect', { expect: '100-continue' }, { method: 'POST', body: '{}' }],
    ['a WebSocket upgrade', { connection: 'upgrade', upgrade: 'websocket' }, {}],
    [
      'an invocation with an Origin',
      { 'x-door-secret': secret, origin: 'null' },
      { path: invocation },
    ],
    [
      'an invocation by a browser',
      { 'x-door-secret': secret, 'sec-fetch-site': 'none' },
      { path: invocation },
    ],
  ])('rejects %s and calls no listener', async (_, headers, options) => {
    called.length = 0;
    const answer = await ask(headers, options);
    expect(answer.status).toEqual('upgrade' in headers ? 'socket hang up' : 403);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(called).toEqual([]);
  });
});

test('checkCallers throws if the secret is missing or too short', () => {
  expect(() => checkCallers(undefined)).toThrow('at least 32 characters');
  expect(() => checkCallers('short')).toThrow('at least 32 characters');
});
