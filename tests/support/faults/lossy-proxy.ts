import { connect, createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { listenFor } from './listen-for.ts';

/** A message of the server begins with its type and its length, which counts itself but not the type. */
const headLength = 5;
const copyData = 'd'.charCodeAt(0);

/** Takes the n-th CopyData message (from 0) of a connection out of what the server sends, and nothing else. */
function withoutRow(n: number): Transform {
  let held: Buffer = Buffer.alloc(0);
  let rows = 0;
  return new Transform({
    transform(bytes: Buffer, _encoding, done) {
      held = Buffer.concat([held, bytes]);
      while (held.length >= headLength) {
        const length = held.readUInt32BE(1) + 1;
        if (held.length < length) break;
        const message = held.subarray(0, length);
        held = held.subarray(length);
        if (message[0] === copyData && rows++ === n) continue;
        this.push(message);
      }
      done();
    },
  });
}

/** A way to a server of PostgreSQL on which the n-th row of each COPY is lost. */
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
