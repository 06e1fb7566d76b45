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
 * The proxy between the functions and LocalStack in a stack that the tests start. It streams every exchange
 * unchanged, except where a test requested a fault (storage-faults.ts).
 */
export interface S3Proxy {
  /** The S3 endpoint for the functions. */
  endpoint: string;
  /** The address at which tests add and remove faults. */
  faults: string;
  /** Sets the target. Requests that arrive before this call wait for it. */
  forwardTo: (port: number) => void;
  stop: () => Promise<void>;
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
}

/** How the forwarding of an exchange deviates from the usual. */
interface ForwardOptions {
  cutAfterBytes?: number;
  beforeAnswer?: () => Promise<void>;
  withoutAnswer?: boolean;
}

const controlPath = '/__faults';
/**
 * The time limit for LocalStack to start. A first start installs programs before, but no function calls S3 in that
 * time.
 */
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
    const rule = rules.match(operation, key);
    const forward = async (options: ForwardOptions = {}): Promise<void> =>
      pass({ request, response }, await targetPort(target.promise), agent, options);
    const action = rule?.fault.action;
    if (rule === undefined || action === undefined) return forward();
    switch (action.kind) {
      case 'answer':
        await readBody({ request, response });
        return respondWithError(response, action.status, action.code);
      case 'reset':
        if (action.afterBytes !== undefined) return forward({ cutAfterBytes: action.afterBytes });
        request.socket.destroy();
        return undefined;
      case 'resetResponse':
        return forward({ withoutAnswer: true });
      case 'stall':
        await Promise.all([readBody({ request, response }), rule.hold(response)]);
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
    // If the client has disconnected, its socket is destroyed already and needs no answer.
    serve({ request, response }).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) request.socket.destroy();
      else respondWithError(response, 503, 'ServiceUnavailable', String(error));
    });
  };
  // No timeouts: tests may hold requests for any time, and the client closes idle connections.
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
      else reject(new Error('the S3 proxy has no port'));
    });
  });
}

async function targetPort(target: Promise<number>): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`LocalStack did not start within ${targetSeconds} s`)),
      targetSeconds * 1_000,
    );
  });
  try {
    return await Promise.race([target, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Forwards a request and its answer unchanged. If either side disconnects, so does the other. */
function pass(
  { request, response }: Exchange,
  port: number,
  agent: Agent,
  options: ForwardOptions,
): void {
  if (request.socket.destroyed) return;
  const { method, url: path, headers } = request;
  const onward = requestOf({ host: '127.0.0.1', port, agent, method, path, headers });
  onward.on('continue', () => response.writeContinue());
  onward.on('error', () => request.socket.destroy());
  response.on('close', () => {
    if (!response.writableFinished) onward.destroy();
  });
  onward.on('response', (answer) => {
    if (options.withoutAnswer) {
      answer.resume();
      answer.on('close', () => request.socket.destroy());
      return;
    }
    const sendAnswer = (): void => {
      if (response.destroyed) return;
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.rawHeaders);
      // An error here destroys the socket, which is how the client notices it.
      pipeline(answer, response, () => {});
    };
    if (options.beforeAnswer) void options.beforeAnswer().then(sendAnswer);
    else sendAnswer();
  });
  const { cutAfterBytes } = options;
  if (cutAfterBytes !== undefined) {
    let passed = 0;
    request.on('data', (chunk: Buffer) => {
      passed += chunk.length;
      if (passed >= cutAfterBytes) request.socket.destroy();
    });
  }
  request.pipe(onward);
}

/** Reads the body before an answer. An earlier answer would leave the body on the reused connection. */
async function readBody({ request, response }: Exchange): Promise<void> {
  if (request.headers.expect !== undefined) response.writeContinue();
  request.resume();
  if (request.complete) return;
  await new Promise<void>((resolve, reject) => {
    request.once('end', resolve);
    request.once('close', () => reject(new Error('the client disconnected')));
  });
}

function respondWithError(
  response: ServerResponse,
  status: number,
  code: string,
  message = code,
): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  );
}

/** Handles POST {fault} → {id}; GET /id → {hits, held}; POST /id/release; DELETE /id, or all of them. */
async function control(rules: FaultRules, { request, response }: Exchange): Promise<void> {
  const answer = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  const [, , id, verb] = (request.url ?? '').split('/');
  const command = `${request.method}${id === undefined ? '' : ' id'}${verb === undefined ? '' : ` ${verb}`}`;
  const body = await text(request);
  if (command === 'POST') {
    const fault = faultSchema.safeParse(JSON.parse(body));
    if (!fault.success) return answer(400, { error: fault.error.message });
    return answer(201, { id: rules.add(fault.data) });
  }
  if (command === 'DELETE') {
    rules.clear();
    return answer(200, {});
  }
  const rule = rules.get(id ?? '');
  if (rule === undefined) return answer(404, { error: 'fault not found' });
  if (command === 'POST id release') rule.release();
  else if (command === 'DELETE id') rules.remove(id ?? '');
  else if (command !== 'GET id') return answer(405, { error: `${command} is not supported` });
  return answer(200, rule.state);
}
