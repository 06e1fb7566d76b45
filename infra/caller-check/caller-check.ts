/**
 * Rejects requests to the HTTP servers of this process that do not have the secret shared by the services of the stack.
 *
 * Without it serverless-offline would answer everything that reaches its ports on loopback: every program and user of
 * the machine and, through forms and `fetch`, every web page open in its browser. A page does not know the secret, and
 * cannot send a custom header without a preflight, which is rejected as well.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { z } from 'zod';

export const secretHeader = 'x-door-secret';
const minCharacters = 32;

/** Node publishes this message for each server that is about to listen. */
const listeningSchema = z.object({ server: z.instanceof(Server) });
/** The events with which a server passes a request to its listeners, with a response or with the bare socket. */
const requestEvents = new Set([
  'request',
  'checkContinue',
  'checkExpectation',
  'upgrade',
  'connect',
]);
/** Lambda's own API, which browsers must not call. They reach the other paths through NGINX. */
const lambdaApi = /^\/\d{4}-\d{2}-\d{2}\/functions\//;

const forbiddenProblem = JSON.stringify({
  type: 'urn:streamsync:problem:forbidden',
  title: 'Not allowed',
  status: 403,
  detail: 'This port is for the services of the stack. Use the address that npm start prints.',
  code: 'forbidden',
});

const channel = 'tracing:net.server.listen:asyncStart';

/**
 * Makes every HTTP server that starts to listen from now on in this process reject requests without the secret. Returns
 * a function that ends this for servers that start later. Throws an Error if the secret is missing or shorter than 32
 * characters.
 */
export function checkCallers(secret: string | undefined): () => void {
  if (secret === undefined || secret.length < minCharacters)
    throw new Error(`the secret of the callers must have at least ${minCharacters} characters`);
  const expected = digest(secret);
  const check = (message: unknown): void => {
    const { data } = listeningSchema.safeParse(message);
    if (data) guard(data.server, expected);
  };
  subscribe(channel, check);
  return () => unsubscribe(channel, check);
}

/** Checks requests before all listeners of the server, whenever those were added. */
function guard(server: Server, expected: Buffer): void {
  const emit = server.emit.bind(server);
  Object.defineProperty(server, 'emit', {
    configurable: true,
    value: (event: string, ...args: unknown[]): unknown => {
      const [request, answer] = args;
      if (
        requestEvents.has(event) &&
        !(request instanceof IncomingMessage && mayCall(request, expected))
      ) {
        reject(request, answer);
        return true;
      }
      return Reflect.apply(emit, server, [event, ...args]);
    },
  });
}

function mayCall({ headers, url = '' }: IncomingMessage, expected: Buffer): boolean {
  const presented = headers[secretHeader];
  if (typeof presented !== 'string' || !timingSafeEqual(digest(presented), expected)) return false;
  return (
    !lambdaApi.test(url) ||
    (headers.origin === undefined && headers['sec-fetch-site'] === undefined)
  );
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Answers 403 and closes the connection; the rest of the request body is discarded. */
function reject(request: unknown, answer: unknown): void {
  if (answer instanceof ServerResponse) {
    answer.writeHead(403, {
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(forbiddenProblem),
      connection: 'close',
    });
    answer.end(forbiddenProblem);
    if (request instanceof IncomingMessage) request.resume();
  } else if (answer instanceof Socket) answer.destroy();
}
