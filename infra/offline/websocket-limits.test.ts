import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { limitWebSockets, maxMessageBytes } from './websocket-limits.ts';

const { resolve } = createRequire(import.meta.url);
const { WebSocketServer } = createRequire(resolve('serverless-offline'))('ws');

const http = createServer();
let url = '';
const received: string[] = [];

beforeAll(async () => {
  limitWebSockets();
  const server = new WebSocketServer({ server: http });
  // As in serverless-offline, errors have no listener.
  server.on(
    'connection',
    (client: { on: (event: string, listener: (data: Buffer) => void) => void }) =>
      client.on('message', (data) => received.push(String(data))),
  );
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  url = `ws://127.0.0.1:${portOf(http.address())}`;
});
afterAll(() => {
  http.closeAllConnections();
  http.close();
});

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === 'object' && address !== null ? address.port : 0;

async function opened(): Promise<WebSocket> {
  const socket = new WebSocket(url);
  await new Promise((done, failed) => {
    socket.addEventListener('open', done);
    socket.addEventListener('error', failed);
  });
  return socket;
}

test('a message of the limit arrives; a longer one closes its connection with 1009', async () => {
  const socket = await opened();
  const closed = new Promise<number>((done) => {
    socket.addEventListener('close', ({ code }) => done(code));
  });
  socket.send('x'.repeat(maxMessageBytes));
  socket.send('y'.repeat(maxMessageBytes + 1));
  expect(await closed).toBe(1009);
  expect(received.map((text) => text.length)).toEqual([maxMessageBytes]);
});

test('a wrong frame closes its connection and nothing else', async () => {
  const other = await opened();
  const socket = connect(portOf(http.address()), '127.0.0.1');
  const closed = new Promise<void>((done) => socket.on('close', () => done()));
  socket.on('error', () => undefined);
  socket.write(
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  socket.once('data', () => socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff])));
  socket.resume();
  await closed;
  received.length = 0;
  other.send('still open');
  while (received.length === 0) await new Promise((done) => setTimeout(done, 5));
  expect(received).toEqual(['still open']);
  other.close();
});
