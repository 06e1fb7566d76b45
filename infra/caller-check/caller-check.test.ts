import { createServer, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checkCallers } from './caller-check.ts';

const secret = 's'.repeat(43);
const called: string[] = [];
// Its listener is there before the check, as those of serverless-offline are.
const server = createServer((asked, answer) => {
  called.push(asked.url ?? '');
  answer.end('called');
});
server.on('upgrade', (asked, socket) => {
  called.push(asked.url ?? '');
  socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
});
let port = 0;
let endCheck = (): void => {};

beforeAll(async () => {
  endCheck = checkCallers(secret);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it has no port');
  port = address.port;
});
afterAll(() => {
  // The suites of a run share a process.
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
    const asked = request({ host: '127.0.0.1', port, path, method, headers });
    asked.on('response', (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += String(chunk)));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }),
      );
    });
    asked.on('upgrade', (answer, socket) => {
      socket.destroy();
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: '' });
    });
    asked.on('error', (error) => resolve({ status: error.message, headers: {}, text: '' }));
    asked.end(body);
  });
}

describe('a server of a process that checks its callers', () => {
  test('answers those who know the secret', async () => {
    expect(await ask({ 'x-door-secret': secret })).toMatchObject({ status: 200, text: 'called' });
    expect(
      await ask({ 'x-door-secret': secret }, { path: invocation, method: 'POST', body: '{}' }),
    ).toMatchObject({ status: 200 });
    // What a browser sends to the page's own address comes here through NGINX.
    expect(await ask({ 'x-door-secret': secret, origin: 'http://localhost' })).toMatchObject({
      status: 200,
    });
  });

  test.each([
    ['without it', {}, {}],
    ['with another', { 'x-door-secret': 't'.repeat(43) }, {}],
    ['with the beginning of it', { 'x-door-secret': secret.slice(1) }, {}],
    ['by a preflight', { origin: 'http://evil.example' }, { method: 'OPTIONS' }],
    ['by a form', { origin: 'http://evil.example' }, { method: 'POST', body: 'x'.repeat(1e6) }],
    ['that expects to go on', { expect: '100-continue' }, { method: 'POST', body: '{}' }],
    ['to a socket', { connection: 'upgrade', upgrade: 'websocket' }, {}],
    ['of Lambda by a page', { 'x-door-secret': secret, origin: 'null' }, { path: invocation }],
    [
      'of Lambda by a browser',
      { 'x-door-secret': secret, 'sec-fetch-site': 'none' },
      { path: invocation },
    ],
  ])('refuses a call %s, and nothing is called', async (_, headers, options) => {
    called.length = 0;
    const answer = await ask(headers, options);
    expect(answer.status).toEqual('upgrade' in headers ? 'socket hang up' : 403);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(called).toEqual([]);
  });
});

test('a secret that is missing or short is refused', () => {
  expect(() => checkCallers(undefined)).toThrow('at least 32 characters');
  expect(() => checkCallers('short')).toThrow('at least 32 characters');
});
