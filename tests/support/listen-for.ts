import type { Server } from 'node:net';

/** Starts a proxy on a free port of loopback. Returns the URL of its target with that port. */
export async function listenFor(proxy: Server, target: string): Promise<string> {
  await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
  const address = proxy.address();
  if (typeof address !== 'object' || address === null)
    throw new Error('the proxy has no port although it listens');
  const url = new URL(target);
  url.port = String(address.port);
  return url.href;
}
