import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { stack } from './stack.ts';

/** A request as bytes, which `fetch` would correct or reject. Loopback addresses stand for different clients. */
interface RawQuestion {
  /** The lines up to the empty line, without line ends. */
  head: readonly string[];
  from?: string;
}

/** Opens a connection to NGINX from the given loopback address. */
export async function dial(from = '127.0.0.1'): Promise<Socket> {
  const port = Number(new URL(stack.url).port);
  const socket = connect({ host: '127.0.0.1', port, localAddress: from });
  await once(socket, 'connect');
  return socket;
}

export interface RawAnswer {
  status: number;
  headers: Map<string, string>;
  body: string;
}

/** Sends a request unchanged and returns the answer, which must have a content-length. */
export async function sendRaw({ head, from }: RawQuestion): Promise<RawAnswer> {
  const socket = await dial(from);
  socket.setTimeout(30_000, () => socket.destroy(new Error('no answer within 30 s')));
  socket.write([...head, 'Host: localhost', '', ''].join('\r\n'));
  try {
    let text = '';
    for await (const chunk of socket) {
      text += Buffer.from(chunk).toString('latin1');
      const answer = parse(text);
      if (answer) return answer;
    }
    throw new Error(`incomplete answer: ${text.slice(0, 500)}`);
  } finally {
    socket.destroy();
  }
}

function parse(text: string): RawAnswer | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const [name = '', ...value] = line.split(': ');
      return [name.toLowerCase(), value.join(': ')];
    }),
  );
  const body = text.slice(end + 4);
  if (body.length < Number(headers.get('content-length') ?? 0)) return undefined;
  return { status: Number(statusLine.split(' ')[1]), headers, body };
}
