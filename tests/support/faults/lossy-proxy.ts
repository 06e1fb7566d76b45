import { connect, createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { listenFor } from '../listen-for.ts';

/** A server message begins with its type (1 byte) and its length (4 bytes, counts itself but not the type). */
const headLength = 5;
const copyData = 'd'.charCodeAt(0);

/** Drops the n-th CopyData message (from 0) of a connection from what the server sends. */
function withoutRow(n: number): Transform {
  let buffered: Buffer = Buffer.alloc(0);
  let rows = 0;
  return new Transform({
    transform(bytes: Buffer, _encoding, done) {
      buffered = Buffer.concat([buffered, bytes]);
      while (buffered.length >= headLength) {
        const length = buffered.readUInt32BE(1) + 1;
        if (buffered.length < length) break;
        const message = buffered.subarray(0, length);
        buffered = buffered.subarray(length);
        if (message[0] === copyData && rows++ === n) continue;
        this.push(message);
      }
      done();
    },
  });
}

/** Starts a proxy for a PostgreSQL server that loses the n-th row (from 0) of each COPY. */
export async function startLossyProxy(
  target: string,
  n: number,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const to = new URL(target);
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(Number(to.port), to.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.end());
    client.pipe(upstream);
    upstream.pipe(withoutRow(n)).pipe(client);
  });
  return {
    url: await listenFor(server, target),
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
