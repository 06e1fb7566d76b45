/**
 * Limits of serverless-offline's live sockets, as API Gateway has them. Without them a client that sends a wrong frame
 * ends the process, because the errors of its socket have no listener; one that sends a long message, or stops reading,
 * fills the memory.
 */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import type { Duplex } from 'node:stream';

/** The parts of the package `ws` that it uses. */
interface Client extends EventEmitter {
  bufferedAmount: number;
  send(data: string): void;
  terminate(): void;
}
type OnUpgrade = (client: Client, request: IncomingMessage) => void;
interface Server {
  options: { maxPayload: number };
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, done: OnUpgrade): void;
}

/** API Gateway closes a connection whose message is longer with 1009. */
export const maxMessageBytes = 128 * 1024;
/** A connection with more bytes that its client has not taken is closed. */
const maxUnsentBytes = 8 * 1024 * 1024;

let isLimited = false;

/** Limits all sockets that open from now on in this process. */
export function limitWebSockets(): void {
  if (isLimited) return;
  isLimited = true;
  const server = serverPrototype();
  const { handleUpgrade } = server;
  server.handleUpgrade = function limited(this: Server, request, socket, head, done) {
    this.options.maxPayload = maxMessageBytes;
    handleUpgrade.call(this, request, socket, head, (client, ...rest) => {
      limit(client);
      done(client, ...rest);
    });
  };
}

/** `ws` reports the error of a client, and closes its socket itself. */
const ignore = (): void => {};

function limit(client: Client): void {
  client.on('error', ignore);
  const send = client.send.bind(client);
  client.send = (data) => {
    if (client.bufferedAmount > maxUnsentBytes) client.terminate();
    else send(data);
  };
}

/** The package as serverless-offline loads it. */
function serverPrototype(): Server {
  const { resolve } = createRequire(import.meta.url);
  const ws: unknown = createRequire(resolve('serverless-offline'))('ws');
  const server: unknown =
    typeof ws === 'function' && 'WebSocketServer' in ws ? ws.WebSocketServer : undefined;
  const prototype: unknown = typeof server === 'function' ? server.prototype : undefined;
  if (!isServer(prototype)) throw new Error('this version of ws has no WebSocketServer');
  return prototype;
}

const isServer = (value: unknown): value is Server =>
  typeof value === 'object' && value !== null && 'handleUpgrade' in value;
