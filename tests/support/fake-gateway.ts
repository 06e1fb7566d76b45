import { createServer, type ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { type LiveMessage, liveMessageSchema } from '../../lib/contracts/live.ts';

/** How a connection takes its messages: it may refuse them, or let the sender wait. */
type Behaviour = 'takes' | 'slow' | 'hangs' | 'resets once' | 429 | 410 | 500;

interface Connection {
  behaviour: Behaviour;
  messages: LiveMessage[];
  /** Calls that are in progress, and the most that ever were. */
  calls: number;
  maxCalls: number;
  isClosed: boolean;
}

/** Milliseconds that a slow connection takes for a message: less than the sender waits. */
const slowMs = 400;

/** The API of a gateway, `POST` and `DELETE /@connections/{id}`, in front of no sockets. */
export class FakeGateway {
  readonly url: string;
  readonly #connections = new Map<string, Connection>();
  readonly #stop: () => void;

  private constructor(url: string, stop: () => void) {
    this.url = url;
    this.#stop = stop;
  }

  static async start(): Promise<FakeGateway> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const id = decodeURIComponent(request.url?.replace('/@connections/', '') ?? '');
        if (request.method === 'DELETE') fake.connection(id).isClosed = true;
        if (request.method === 'DELETE') response.writeHead(204).end();
        else void fake.#take(fake.connection(id), Buffer.concat(chunks).toString(), response);
      });
    });
    await new Promise<void>((started) => server.listen(0, '127.0.0.1', started));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const fake: FakeGateway = new FakeGateway(`http://127.0.0.1:${address.port}`, () => {
      server.closeAllConnections();
      server.close();
    });
    return fake;
  }

  stop(): void {
    this.#stop();
  }

  connection(id: string): Connection {
    const known = this.#connections.get(id);
    if (known) return known;
    const created: Connection = {
      behaviour: 'takes',
      messages: [],
      calls: 0,
      maxCalls: 0,
      isClosed: false,
    };
    this.#connections.set(id, created);
    return created;
  }

  async #take(connection: Connection, text: string, response: ServerResponse): Promise<void> {
    const { behaviour } = connection;
    if (behaviour === 'hangs') return;
    if (behaviour === 'resets once') {
      connection.behaviour = 'takes';
      response.destroy();
      return;
    }
    if (typeof behaviour === 'number') {
      response.writeHead(behaviour).end();
      return;
    }
    connection.calls++;
    connection.maxCalls = Math.max(connection.maxCalls, connection.calls);
    if (behaviour === 'slow') await setTimeout(slowMs);
    connection.messages.push(liveMessageSchema.parse(JSON.parse(text)));
    connection.calls--;
    response.writeHead(200).end();
  }
}
