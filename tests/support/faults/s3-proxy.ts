import {
  Agent,
  createServer,
  type IncomingMessage,
  request as requestOf,
  type Server,
  type ServerResponse,
} from 'node:http';
import { pipeline } from 'node:stream';
import { text } from 'node:stream/consumers';
import { FaultRules, faultSchema, operationOf } from './fault-rules.ts';

/**
 * What stands between the functions and LocalStack in a stack that tests start: everything is passed on as it comes,
 * except what a test has asked to go wrong (storage-faults.ts). Nothing is kept in memory but what is in flight.
 */
export interface S3Proxy {
  /** What the functions take for S3. */
  endpoint: string;
  /** Where tests add and remove faults. */
  faults: string;
  /** Requests that come before this is called wait for it. */
  forwardTo: (port: number) => void;
  stop: () => Promise<void>;
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
}

/** In which ways a forwarded exchange may be not the usual. */
interface Bend {
  cutAfterBytes?: number;
  beforeAnswer?: () => Promise<void>;
  withoutAnswer?: boolean;
}

const controlPath = '/__faults';
/** A first start installs things before LocalStack is there, but nobody asks for S3 then. */
const targetSeconds = 60;

export async function startS3Proxy(): Promise<S3Proxy> {
  const rules = new FaultRules();
  const target = Promise.withResolvers<number>();
  const agent = new Agent({ keepAlive: true });

  async function serve({ request, response }: Exchange): Promise<void> {
    const { method = '', url = '' } = request;
    if (url === controlPath || url.startsWith(`${controlPath}/`))
      return control(rules, { request, response });
    const copies = request.headers['x-amz-copy-source'] !== undefined;
    const { operation, key } = operationOf({ method, url, copies });
    const rule = rules.take(operation, key);
    const forward = async (bend: Bend = {}): Promise<void> =>
      pass({ request, response }, await targetPort(target.promise), agent, bend);
    const action = rule?.fault.action;
    if (rule === undefined || action === undefined) return forward();
    switch (action.kind) {
      case 'answer':
        await takeBody({ request, response });
        return refuse(response, action.status, action.code);
      case 'reset':
        if (action.afterBytes !== undefined) return forward({ cutAfterBytes: action.afterBytes });
        request.socket.destroy();
        return undefined;
      case 'resetResponse':
        return forward({ withoutAnswer: true });
      case 'stall':
        await Promise.all([takeBody({ request, response }), rule.hold(response)]);
        request.socket.destroy();
        return undefined;
      case 'holdBefore':
        await rule.hold(response);
        return forward();
      case 'holdAfter':
        return forward({ beforeAnswer: () => rule.hold(response) });
      default:
        return action satisfies never;
    }
  }

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    // A client that is gone has no use for an answer; its socket is destroyed already then.
    serve({ request, response }).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) request.socket.destroy();
      else refuse(response, 503, 'ServiceUnavailable', String(error));
    });
  };
  // No limits of its own: requests are held for as long as a test likes, idle connections are the client's affair.
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 0 }, onRequest);
  server.on('checkContinue', onRequest);
  const port = await listen(server);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    faults: `http://127.0.0.1:${port}${controlPath}`,
    forwardTo: target.resolve,
    stop: async () => {
      rules.clear();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      agent.destroy();
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (typeof address === 'object' && address !== null) resolve(address.port);
      else reject(new Error('the proxy has no port'));
    });
  });
}

async function targetPort(target: Promise<number>): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('S3 is not there yet')), targetSeconds * 1_000);
  });
  try {
    return await Promise.race([target, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Forwards a request, and its answer back, both as they come. Whichever side breaks off, so does the other. */
function pass({ request, response }: Exchange, port: number, agent: Agent, bend: Bend): void {
  if (request.socket.destroyed) return;
  const { method, url: path, headers } = request;
  const onward = requestOf({ host: '127.0.0.1', port, agent, method, path, headers });
  onward.on('continue', () => response.writeContinue());
  onward.on('error', () => request.socket.destroy());
  response.on('close', () => {
    if (!response.writableFinished) onward.destroy();
  });
  onward.on('response', (answer) => {
    if (bend.withoutAnswer) {
      answer.resume();
      answer.on('close', () => request.socket.destroy());
      return;
    }
    const giveBack = (): void => {
      if (response.destroyed) return;
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.rawHeaders);
      // What goes wrong here destroys the socket, which is what the client is to see of it.
      pipeline(answer, response, () => {});
    };
    if (bend.beforeAnswer) void bend.beforeAnswer().then(giveBack);
    else giveBack();
  });
  const { cutAfterBytes } = bend;
  if (cutAfterBytes !== undefined) {
    let passed = 0;
    request.on('data', (chunk: Buffer) => {
      passed += chunk.length;
      if (passed >= cutAfterBytes) request.socket.destroy();
    });
  }
  request.pipe(onward);
}

/** An answer ahead of the body would leave the body on a connection that is kept. */
async function takeBody({ request, response }: Exchange): Promise<void> {
  if (request.headers.expect !== undefined) response.writeContinue();
  request.resume();
  if (request.complete) return;
  await new Promise<void>((resolve, reject) => {
    request.once('end', resolve);
    request.once('close', () => reject(new Error('the client broke off')));
  });
}

function refuse(response: ServerResponse, status: number, code: string, message = code): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  );
}

/** POST {fault} → {id}; GET /id → {hits, held}; POST /id/release; DELETE /id, or all of them. */
async function control(rules: FaultRules, { request, response }: Exchange): Promise<void> {
  const answer = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  const [, , id, verb] = (request.url ?? '').split('/');
  const asked = `${request.method}${id === undefined ? '' : ' id'}${verb === undefined ? '' : ` ${verb}`}`;
  const body = await text(request);
  if (asked === 'POST') {
    const fault = faultSchema.safeParse(JSON.parse(body));
    if (!fault.success) return answer(400, { error: fault.error.message });
    return answer(201, { id: rules.add(fault.data) });
  }
  if (asked === 'DELETE') {
    rules.clear();
    return answer(200, {});
  }
  const rule = rules.get(id ?? '');
  if (rule === undefined) return answer(404, { error: 'there is no such fault' });
  if (asked === 'POST id release') rule.release();
  else if (asked === 'DELETE id') rules.remove(id ?? '');
  else if (asked !== 'GET id') return answer(405, { error: `what is ${asked}?` });
  return answer(200, rule.state);
}
