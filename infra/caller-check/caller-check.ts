/**
 * Who may call the HTTP servers of this process: those who send the secret that the parts of one stack share.
 *
 * serverless-offline answers whoever reaches its ports on loopback: every program and every user of the machine, and
 * by forms and `fetch` every web page that is open in its browser. A page cannot know the secret, and cannot send a
 * header of its own without a preflight, which is refused as well.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { z } from 'zod';

export const SECRET_HEADER = 'x-door-secret';
const LEAST_CHARACTERS = 32;

/** Node tells of each server that is about to listen. */
const listening = z.object({ server: z.instanceof(Server) });
/** The events by which a server hands a request on: with its response, or with the bare socket. */
const requestEvents = new Set([
  'request',
  'checkContinue',
  'checkExpectation',
  'upgrade',
  'connect',
]);
/** Lambda's own API. Browsers never have a reason to call it; the other paths they reach through NGINX. */
const lambdaApi = /^\/\d{4}-\d{2}-\d{2}\/functions\//;

const refusal = JSON.stringify({
  type: 'urn:streamsync:problem:forbidden',
  title: 'Not allowed',
  status: 403,
  detail: 'This port is for the parts of the stack. Use the address that npm start prints.',
  code: 'forbidden',
});

const channel = 'tracing:net.server.listen:asyncStart';

/**
 * From now on every HTTP server that begins to listen in this process refuses calls without the secret.
 * @returns what ends that for servers that begin later.
 * @throws Error when the secret is missing or shorter than 32 characters.
 */
export function checkCallers(secret: string | undefined): () => void {
  if (secret === undefined || secret.length < LEAST_CHARACTERS)
    throw new Error(`the secret of the callers must have at least ${LEAST_CHARACTERS} characters`);
  const expected = digest(secret);
  const check = (message: unknown): void => {
    const { data } = listening.safeParse(message);
    if (data) guard(data.server, expected);
  };
  subscribe(channel, check);
  return () => unsubscribe(channel, check);
}

/** In front of its listeners, whenever they were added. */
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
        refuse(request, answer);
        return true;
      }
      return Reflect.apply(emit, server, [event, ...args]);
    },
  });
}

function mayCall({ headers, url = '' }: IncomingMessage, expected: Buffer): boolean {
  const given = headers[SECRET_HEADER];
  if (typeof given !== 'string' || !timingSafeEqual(digest(given), expected)) return false;
  return (
    !lambdaApi.test(url) ||
    (headers.origin === undefined && headers['sec-fetch-site'] === undefined)
  );
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** What was not read of the request is not read any more: the connection ends with the answer. */
function refuse(request: unknown, answer: unknown): void {
  if (answer instanceof ServerResponse) {
    answer.writeHead(403, {
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(refusal),
      connection: 'close',
    });
    answer.end(refusal);
    if (request instanceof IncomingMessage) request.resume();
  } else if (answer instanceof Socket) answer.destroy();
}
