import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { ReusedBufferSocket } from './reused-buffer-socket.ts';

/** Connects a socket, closes it, and returns its memory. */
async function usedMemory(isReleased: boolean) {
  const server = createServer((other) => other.end('bytes')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const socket = new ReusedBufferSocket(100_000);
  const others = () => new ReusedBufferSocket(100_000).memory;
  socket.connect(address.port, '127.0.0.1');
  await once(socket, 'data');
  if (isReleased) socket.releaseMemory();
  // It may still receive something.
  expect(others()).not.toBe(socket.memory);
  socket.end();
  await once(socket, 'close');
  server.close();
  return { own: socket.memory, next: others() };
}

test('a socket uses the memory of one that is closed, if that was released', async () => {
  const released = await usedMemory(true);
  expect(released.next).toBe(released.own);
  const other = await usedMemory(false);
  expect(other.next).not.toBe(other.own);
});
