import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { z } from 'zod';
import { shortened, sizes, sizeText } from '../contracts/sizes.ts';
import { isConnectionLost } from './connection-lost.ts';
import { forLog, Refusal } from './errors.ts';
import { isLonger } from './json-input.ts';
import { logger } from './logger.ts';
import { Turns } from './turns.ts';
import { parseJson, parseQuery } from './validation.ts';

type Header = (name: string) => string | undefined;

/** What a handler is given: the request, and how to read it. What cannot be read is refused. */
export interface Call<Account> {
  account: Account;
  /** The JSON body by a schema, where it has at most so many bytes. Ask for rights before: it is not read until then. */
  body: <S extends z.ZodType>(schema: S, mostBytes?: number) => z.output<S>;
  /** The query parameters by a schema. */
  query: <S extends z.ZodType>(schema: S) => z.output<S>;
  /** Path parameter by name; `not_found` if it is longer than anything we have. Throws if the route has none of that name. */
  param: (name: string) => string;
  /** Path parameter that is an id of ours; `not_found` if it cannot be one. */
  uuid: (name: string) => string;
  /** Header by lower-case name. */
  header: Header;
}

export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** The export it is about, for the log, where the path does not name it. */
  exportId?: string;
}

type Event = APIGatewayProxyEventV2;
type Result = APIGatewayProxyStructuredResultV2;

/** For what everybody may call. */
export const anonymous = async (): Promise<null> => null;

/**
 * The one stack of every HTTP function: request id, authentication, and an answer in JSON, whatever
 * happens. Nothing escapes: an unhandled error would be a 200 locally and a bare 500 on AWS. `asksSources` says that
 * the answer waits for a source.
 */
export function http<Account>(
  authenticate: (header: Header) => Promise<Account>,
  answer: (call: Call<Account>) => Promise<Answer>,
  { asksSources = false } = {},
) {
  const accounts = new WeakMap<Event, { account: Account }>();
  const exportIds = new WeakMap<Event, string>();
  return middy<Event, Result>()
    .use(requestLog(exportIds))
    .use(problemDetails())
    .use({
      before: async ({ event }) => {
        requireShortHeaders(event);
        accounts.set(event, { account: await authenticate(headerOf(event)) });
      },
    })
    .handler(async (event) => {
      const known = accounts.get(event);
      if (!known) throw new Error('authentication did not run');
      const call: Call<Account> = {
        account: known.account,
        body: (schema, mostBytes) => parseJson(schema, bodyOf(event, mostBytes), mostBytes),
        query: (schema) => parseQuery(schema, event.queryStringParameters ?? {}),
        param: (name) => paramOf(event, name),
        uuid: (name) => uuidOf(event, name),
        header: headerOf(event),
      };
      const answered = await inTurn(known.account, asksSources, () => answer(call));
      if (answered.exportId !== undefined) exportIds.set(event, answered.exportId);
      return toResult(answered);
    });
}

/**
 * A process answers the calls of one account one after the other: whoever asks for little is not behind all of them.
 * Calls that ask a source are in a line of their own.
 */
const oneByOne = { runningOfCaller: 1 };
const turns = { ofSources: new Turns(oneByOne), ofOthers: new Turns(oneByOne) };
/** The others wait so long, within what the door waits for an answer. */
const turnMilliseconds = 20_000;
/** A call that takes longer waits for something: the next one does not wait with it. */
const longestTurnMilliseconds = 500;

async function inTurn<T>(
  account: unknown,
  asksSources: boolean,
  work: () => Promise<T>,
): Promise<T> {
  if (typeof account !== 'object' || account === null || !('id' in account)) return work();
  const id = String(account.id);
  const line = asksSources ? turns.ofSources : turns.ofOthers;
  if (!(await line.take(id, turnMilliseconds)))
    throw new Refusal(
      'too_many_requests',
      'Too many calls of your account are being answered. Try again in a few seconds.',
      { retryAfterSeconds: 5 },
    );
  let held = true;
  const end = (): void => {
    if (held) line.end(id);
    held = false;
  };
  const longest = setTimeout(end, longestTurnMilliseconds);
  try {
    return await work();
  } finally {
    clearTimeout(longest);
    end();
  }
}

function toResult({ status, body, headers = {} }: Answer): Result {
  if (body === undefined)
    return { statusCode: status, headers: { 'cache-control': 'no-store', ...headers } };
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(body),
  };
}

function requestLog(exportIds: WeakMap<Event, string>): middy.MiddlewareObj<Event, Result> {
  const began = new WeakMap<Event, number>();
  return {
    before: ({ event }) => {
      began.set(event, performance.now());
    },
    after: ({ event, response }) => log(event, response),
    onError: ({ event, response }) => log(event, response),
  };
  function log(event: Event, response: Result | null | undefined): void {
    logger.info('request', {
      requestId: requestIdOf(event),
      method: event.requestContext.http.method,
      path: shortened(event.rawPath, sizes.nameCharacters),
      exportId: exportIds.get(event),
      status: response?.statusCode,
      milliseconds: Math.round(performance.now() - (began.get(event) ?? performance.now())),
    });
  }
}

/** Below 500 the message is the caller's; from 500 on it is generic unless we wrote it, and logged. */
function problemDetails(): middy.MiddlewareObj<Event, Result> {
  return {
    onError: (request) => {
      const requestId = requestIdOf(request.event);
      const { error } = request;
      const refusal =
        error instanceof Refusal
          ? error
          : isConnectionLost(error)
            ? new Refusal(
                'unavailable',
                'The catalogue, or a part behind it, does not answer. Try again in a few seconds.',
              )
            : new Refusal(
                'internal',
                `Something failed on our side. Quote ${requestId} when you ask about it.`,
              );
      if (refusal.status >= 500)
        logger.error('request failed', { requestId, error: forLog(error) });
      request.response = {
        statusCode: refusal.status,
        headers: {
          'content-type': 'application/problem+json',
          'cache-control': 'no-store',
          ...(refusal.retryAfterSeconds === undefined
            ? {}
            : { 'retry-after': String(refusal.retryAfterSeconds) }),
          ...(refusal.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
        },
        body: JSON.stringify(refusal.toProblem(requestId)),
      };
    },
  };
}

/** The caller's, where it is fit to be logged and sent back: visible ASCII of a bounded length. */
function requestIdOf(event: Event): string {
  const sent = event.headers['x-request-id'] ?? '';
  const isFit = sent.length <= sizes.requestIdCharacters && /^[!-~]+$/.test(sent);
  return isFit ? sent : event.requestContext.requestId;
}

/**
 * Cookies are not the caller's doing alone: a browser sends those of every application on the host. Credentials
 * that are too long are wrong ones, which is how they are refused.
 */
const unmeasured = new Set(['cookie', 'x-api-key', 'authorization']);

function requireShortHeaders(event: Event): void {
  for (const [name, value] of Object.entries(event.headers))
    if (!unmeasured.has(name) && isLonger(value ?? '', sizes.headerBytes))
      throw new Refusal(
        'too_large',
        `The header ${name} has more than ${sizeText(sizes.headerBytes)} bytes.`,
      );
}

const headerOf =
  (event: Event): Header =>
  (name) => {
    // serverless-offline leaves cookies among the headers, AWS takes them out.
    if (name === 'cookie' && event.cookies && event.cookies.length > 0)
      return event.cookies.join('; ');
    return event.headers[name] ?? undefined;
  };

/** The body as text. What is too large by its encoding already is not decoded: it is refused all the same. */
function bodyOf(event: Event, mostBytes: number = sizes.requestBytes): string {
  const body = event.body ?? '';
  if (!event.isBase64Encoded || Buffer.byteLength(body, 'base64') > mostBytes) return body;
  return Buffer.from(body, 'base64').toString();
}

function paramOf(event: Event, name: string): string {
  const value = event.pathParameters?.[name];
  if (value === undefined) throw new Error(`the route has no parameter ${name}`);
  // An email is the longest that there is; no text of PostgreSQL has a NUL.
  if (value.length > sizes.emailCharacters || value.includes('\0') || !value.isWellFormed())
    throw new Refusal('not_found', `There is nothing of that ${name}.`);
  return value;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function uuidOf(event: Event, name: string): string {
  const value = paramOf(event, name);
  if (!uuid.test(value)) throw new Refusal('not_found', `There is nothing of that ${name}.`);
  return value;
}
