import { connect, createServer, type Socket } from 'node:net';
import { listenFor } from '../listen-for.ts';

/** Starts a TCP proxy on which every connection after the first waits until `open` is called. */
export async function startGateProxy(target: string): Promise<{
  url: string;
  /** Returns the number of connections so far. */
  arrived: () => number;
  open: () => void;
  stop: () => Promise<void>;
}> {
  const to = new URL(target);
  const sockets = new Set<Socket>();
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  let arrived = 0;
  const server = createServer((client) => {
    const isFirst = arrived++ === 0;
    sockets.add(client);
    client.on('error', () => undefined);
    void (isFirst ? Promise.resolve() : opened).then(() => {
      const upstream = connect(Number(to.port), to.hostname);
      sockets.add(upstream);
      upstream.on('error', () => undefined);
      client.on('close', () => upstream.destroy());
      upstream.on('close', () => client.end());
      client.pipe(upstream).pipe(client);
    });
  });
  return {
    url: await listenFor(server, target),
    arrived: () => arrived,
    open,
    stop: async () => {
      open();
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
