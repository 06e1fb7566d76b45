import middy from '@middy/core';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Context,
} from 'aws-lambda';
import type { z } from 'zod';
import { recordAudit } from '../audit/record-audit.ts';
import { recordRefusal } from '../audit/record-refusal.ts';
import { type RequestAudit, withRequestAudit } from '../audit/request-audit.ts';
import { findRoute } from '../contracts/routes.ts';
import { shortened, sizes, sizeText } from '../contracts/sizes.ts';
import { traceHeader } from '../messaging/message-headers.ts';
import { catalogue } from './catalogue.ts';
import { isConnectionLost } from './connection-lost.ts';
import { clientAddress } from './door.ts';
import { AppError, serializeError } from './errors.ts';
import { FairLimiter } from './fair-limiter.ts';
import { isLonger } from './json-input.ts';
import { logger } from './logger.ts';
import { flushSpans, withSpan } from './tracing.ts';
import { parseJson, parseQuery } from './validation.ts';

type Header = (name: string) => string | undefined;

/** What a handler receives: the account, and functions that read the request and throw an `AppError` if it is wrong. */
export interface RequestContext<Account> {
  account: Account;
  /** Parses the JSON body of at most `maxBytes`. Check the account's rights first, so that no body is parsed in vain. */
  body: <S extends z.ZodType>(schema: S, maxBytes?: number) => z.output<S>;
  /** Returns the body as text. Its size is not checked here. */
  text: () => string;
  /** Parses the query parameters. */
  query: <S extends z.ZodType>(schema: S) => z.output<S>;
  /** Returns a path parameter. Throws `not_found` if it is longer than any id or name can be. */
  param: (name: string) => string;
  /** Returns a path parameter that is a UUID. Throws `not_found` if it is not one. */
  uuid: (name: string) => string;
  /** Returns a header by its lower-case name. */
  header: Header;
}

export interface HandlerResponse {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** A body that is not JSON. `headers` has its content type. */
  text?: string;
  /** The export of the response, for the log and the audit, if the path does not name it. */
  exportId?: string;
  /** The audited route changed nothing, so there is nothing to record. */
  unaudited?: boolean;
}

type Event = APIGatewayProxyEventV2;
type Result = APIGatewayProxyStructuredResultV2;

/** A function answers this long before Lambda ends it: API Gateway would answer with a bare 500. */
const timeoutReserveMs = 500;

function timeoutEarlyResponse(): never {
  throw new AppError(
    'unavailable',
    'The answer took too long. What the call was to change may have changed: look before you repeat it.',
    { retryAfterSeconds: 5 },
  );
}

/** Authenticates no one: for public routes. */
export const noAuth = async (): Promise<null> => null;

/**
 * Returns an HTTP function with everything that all of them share: request id, authentication, JSON answers, and
 * problem+json for every error. An error that escaped would be a 200 locally and a 500 without a body on AWS.
 *
 * A request of a route with an audited action gets an entry with its outcome. Unless the change has recorded it in its
 * own transaction (`recordRequest`), it is written before the answer, which fails without it.
 *
 * @param asksSources whether the answer waits for a source
 */
export function httpHandler<Account>(
  authenticate: (header: Header, routeKey: string) => Promise<Account>,
  answer: (context: RequestContext<Account>) => Promise<HandlerResponse>,
  { asksSources = false } = {},
) {
  const accounts = new WeakMap<Event, { account: Account }>();
  const exportIds = new WeakMap<Event, string>();
  const audits = new WeakMap<Event, RequestAudit>();
  const answerEvent = middy<Event, Result>({
    timeoutEarlyInMillis: timeoutReserveMs,
    timeoutEarlyResponse,
  })
    .use(requestLog(exportIds))
    .use({
      // After `problemDetails`: errors pass through in the reverse order.
      onError: async ({ event, error }) => {
        const audit = audits.get(event);
        if (audit) await recordRefusal(audit, error);
      },
    })
    .use(problemDetails())
    .use({
      before: async ({ event }) => {
        const audit = auditOf(event);
        if (audit) audits.set(event, audit);
        requireShortHeaders(event);
        const account = await within(audit, () => authenticate(headerOf(event), event.routeKey));
        accounts.set(event, { account });
      },
    })
    .handler(async (event) => {
      const known = accounts.get(event);
      if (!known) throw new Error('authentication did not run');
      const context: RequestContext<Account> = {
        account: known.account,
        body: (schema, maxBytes) => parseJson(schema, bodyOf(event, maxBytes), maxBytes),
        text: () => bodyOf(event),
        query: (schema) => parseQuery(schema, event.queryStringParameters ?? {}),
        param: (name) => paramOf(event, name),
        uuid: (name) => uuidOf(event, name),
        header: headerOf(event),
      };
      const audit = audits.get(event);
      const response = await within(audit, () =>
        inTurn(known.account, asksSources, () => answer(context)),
      );
      if (response.exportId !== undefined) exportIds.set(event, response.exportId);
      if (audit) await recordAnswer(audit, response);
      return toResult(response);
    });
  return async (event: Event, context: Context): Promise<Result> => {
    try {
      return await withSpan(event.routeKey, serverSpan(event), async (span) => {
        const result = await answerEvent(event, context);
        const status = result.statusCode ?? 500;
        span.setAttribute('http.response.status_code', status);
        if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        return result;
      });
    } finally {
      await flushSpans();
    }
  };
}

/** Returns the settings of the span of a request (https://opentelemetry.io/docs/specs/semconv/http/http-spans/). */
const serverSpan = (event: Event) => ({
  kind: SpanKind.SERVER,
  parent: event.headers[traceHeader],
  attributes: {
    'http.request.method': event.requestContext.http.method,
    'http.route': event.routeKey.split(' ')[1],
    'streamsync.request.id': requestIdOf(event),
  },
});

/**
 * A process answers the calls of an account one after the other, so that an account with many calls does not delay
 * the others. Calls that query a source have a queue of their own.
 */
const oneByOne = { runningOfCaller: 1 };
const limiters = { sourceQueries: new FairLimiter(oneByOne), others: new FairLimiter(oneByOne) };
/** A call waits at most this long for its turn: less than NGINX waits for an answer. */
const maxTurnWaitMs = 20_000;
/** A turn ends after this time: a call that takes longer waits for something, and must not delay the next one. */
const maxTurnMs = 500;

async function inTurn<T>(
  account: unknown,
  asksSources: boolean,
  work: () => Promise<T>,
): Promise<T> {
  if (typeof account !== 'object' || account === null || !('id' in account)) return work();
  const id = String(account.id);
  const limiter = asksSources ? limiters.sourceQueries : limiters.others;
  const endTurn = await limiter.acquire(id, maxTurnWaitMs);
  if (!endTurn)
    throw new AppError(
      'too_many_requests',
      'Too many calls of your account are being answered. Try again in a few seconds.',
      { retryAfterSeconds: 5 },
    );
  const timer = setTimeout(endTurn, maxTurnMs);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    endTurn();
  }
}

const within = <T>(audit: RequestAudit | undefined, work: () => Promise<T>): Promise<T> =>
  audit ? withRequestAudit(audit, work) : work();

/** Returns what is known of a request before it is authenticated, undefined for a route that is not audited. */
function auditOf(event: Event): RequestAudit | undefined {
  const route = findRoute(event.requestContext.http.method, event.rawPath);
  if (!route?.audit) return undefined;
  const params = [...route.path.matchAll(/\{(\w+)\}/g)].flatMap(
    ([, name = '']) => event.pathParameters?.[name] ?? [],
  );
  return {
    actor: 'anonymous',
    action: route.audit,
    target: params.length === 0 ? null : params.join('/'),
    address: clientAddress(headerOf(event)),
    details: {},
    recorded: false,
  };
}

/** Records an answered request, unless its change has done so. */
async function recordAnswer(audit: RequestAudit, response: HandlerResponse): Promise<void> {
  if (audit.recorded || response.unaudited) return;
  const target = audit.target ?? response.exportId ?? null;
  await recordAudit(catalogue(), { ...audit, target, outcome: 'done' }, audit.address);
}

function toResult({ status, body, text, headers = {} }: HandlerResponse): Result {
  if (text !== undefined)
    return {
      statusCode: status,
      headers: { 'cache-control': 'no-store', ...headers },
      body: text,
    };
  if (body === undefined)
    return { statusCode: status, headers: { 'cache-control': 'no-store', ...headers } };
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(body),
  };
}

function requestLog(exportIds: WeakMap<Event, string>): middy.MiddlewareObj<Event, Result> {
  const startTimes = new WeakMap<Event, number>();
  return {
    before: ({ event }) => {
      startTimes.set(event, performance.now());
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
      milliseconds: Math.round(performance.now() - (startTimes.get(event) ?? performance.now())),
    });
  }
}

/** Answers with the message of an `AppError`. Other errors get a generic message; every status from 500 on is logged. */
function problemDetails(): middy.MiddlewareObj<Event, Result> {
  return {
    onError: (request) => {
      const requestId = requestIdOf(request.event);
      const { error } = request;
      const appError =
        error instanceof AppError
          ? error
          : isConnectionLost(error)
            ? new AppError(
                'unavailable',
                'The server cannot reach a component that it needs. Try again in a few seconds.',
              )
            : new AppError(
                'internal',
                `Something failed on our side. Quote ${requestId} when you report it.`,
              );
      if (appError.status >= 500)
        logger.error('request failed', { requestId, error: serializeError(error) });
      request.response = {
        statusCode: appError.status,
        headers: {
          'content-type': 'application/problem+json',
          'cache-control': 'no-store',
          ...(appError.retryAfterSeconds === undefined
            ? {}
            : { 'retry-after': String(appError.retryAfterSeconds) }),
          ...(appError.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
        },
        body: JSON.stringify(appError.toProblem(requestId)),
      };
    },
  };
}

/** Returns the caller's request id if it is safe to log and to return: short, visible ASCII. Otherwise our own. */
function requestIdOf(event: Event): string {
  const sent = event.headers['x-request-id'] ?? '';
  const isFit = sent.length <= sizes.requestIdCharacters && /^[!-~]+$/.test(sent);
  return isFit ? sent : event.requestContext.requestId;
}

/**
 * Headers without a limit of their own. A browser sends the cookies of every application on the host; credentials
 * that are too long are answered like all wrong credentials.
 */
const unlimitedHeaders = new Set(['cookie', 'x-api-key', 'authorization']);

function requireShortHeaders(event: Event): void {
  for (const [name, value] of Object.entries(event.headers))
    if (!unlimitedHeaders.has(name) && isLonger(value ?? '', sizes.headerBytes))
      throw new AppError(
        'too_large',
        `The header ${name} has more than ${sizeText(sizes.headerBytes)} bytes.`,
      );
}

const headerOf =
  (event: Event): Header =>
  (name) => {
    // AWS moves cookies from `headers` to `cookies`; serverless-offline does not.
    if (name === 'cookie' && event.cookies && event.cookies.length > 0)
      return event.cookies.join('; ');
    return event.headers[name] ?? undefined;
  };

/** Returns the body as text. A base64 body that is too large is not decoded: parsing rejects it either way. */
function bodyOf(event: Event, maxBytes: number = sizes.requestBytes): string {
  const body = event.body ?? '';
  if (!event.isBase64Encoded || Buffer.byteLength(body, 'base64') > maxBytes) return body;
  return Buffer.from(body, 'base64').toString();
}

function paramOf(event: Event, name: string): string {
  const value = event.pathParameters?.[name];
  if (value === undefined) throw new Error(`the route has no parameter ${name}`);
  // An email is the longest parameter; text in PostgreSQL cannot contain NUL.
  if (value.length > sizes.emailCharacters || value.includes('\0') || !value.isWellFormed())
    throw new AppError('not_found', `No resource has this ${name}.`);
  return value;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function uuidOf(event: Event, name: string): string {
  const value = paramOf(event, name);
  if (!uuid.test(value)) throw new AppError('not_found', `No resource has this ${name}.`);
  return value;
}
