import { createServer } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import { joinIn, joinRepeatedHeaders } from './joined-headers.ts';

test('joinIn gives a repeated header all its values, ignoring case, and leaves cookies unchanged', () => {
  const headers = ['Host', 'h', 'X-Api-Key', 'a', 'Cookie', 'c', 'x-api-key', 'b', 'cookie', 'd'];
  joinIn(headers);
  expect(Object.fromEntries(pairs(headers))).toEqual({
    Host: 'h',
    'X-Api-Key': 'a,b',
    'x-api-key': 'a,b',
    Cookie: 'c',
    cookie: 'd',
  });
});

test('a server of this process gets joined headers after joinRepeatedHeaders', async () => {
  joinRepeatedHeaders();
  const server = createServer(({ headers, rawHeaders }, response) =>
    response.end(JSON.stringify([headers.host, pairs(rawHeaders)])),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    const socket = connect(address.port, '127.0.0.1');
    socket.end('GET / HTTP/1.0\r\nHost: h\r\nAuthorization: x\r\nAuthorization: y\r\n\r\n');
    expect((await text(socket)).split('\r\n\r\n')[1]).toBe(
      JSON.stringify([
        'h',
        [
          ['Host', 'h'],
          ['Authorization', 'x,y'],
          ['Authorization', 'x,y'],
        ],
      ]),
    );
  } finally {
    server.close();
  }
});

function pairs(rawHeaders: string[]): string[][] {
  return rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? '']] : []));
}
