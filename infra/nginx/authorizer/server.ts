import { createServer, type IncomingMessage, type Server } from 'node:http';
import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Context,
} from 'aws-lambda';
import { handler as authorizeDownload } from '../../../handlers/http/authorize-download.ts';
import { handler as signSlice } from '../../../handlers/http/sign-slice.ts';
import { serializeError } from '../../../lib/runtime/errors.ts';
import { logger } from '../../../lib/runtime/logger.ts';

type Handler = (
  event: APIGatewayProxyEventV2,
  context: Context,
) => Promise<APIGatewayProxyStructuredResultV2>;

/** The routes for NGINX, which has the door secret. `GET /healthz` is the only other one, and needs none. */
const handlers = new Map<string, Handler>([
  ['GET /internal/authorize-download', authorizeDownload],
  ['GET /internal/sign-slice', signSlice],
]);

/** NGINX waits 10 s for an answer. */
const requestTimeoutMs = 10_000;
/** Longer than NGINX keeps an idle connection (60 s): it must not send a request on one that is being closed. */
const keepAliveTimeoutMs = 75_000;

/**
 * Returns the server of the download authorizer: the handlers that NGINX asks about every request for a file and every
 * slice. It calls them as Lambda would; they are no functions, so that no route of the public API leads to them.
 */
export function createAuthorizer(): Server {
  return createServer(
    { requestTimeout: requestTimeoutMs, keepAliveTimeout: keepAliveTimeoutMs },
    (request, response) => {
      request.resume();
      answer(request).then(
        ({ statusCode = 500, headers = {}, body = '' }) => {
          response.writeHead(
            statusCode,
            Object.fromEntries(
              Object.entries(headers).map(([name, value]) => [name, String(value)]),
            ),
          );
          response.end(body);
        },
        (error: unknown) => {
          // NGINX refuses the download for every status but 2xx.
          logger.error('authorization failed', { error: serializeError(error) });
          response.writeHead(500).end();
        },
      );
    },
  );
}

async function answer(request: IncomingMessage): Promise<APIGatewayProxyStructuredResultV2> {
  const routeKey = `${request.method} ${request.url}`;
  if (routeKey === 'GET /healthz') return { statusCode: 204 };
  const handler = handlers.get(routeKey);
  if (handler === undefined) return { statusCode: 404 };
  return handler(eventOf(routeKey, request), context);
}

function eventOf(routeKey: string, { method = '', url = '', headers }: IncomingMessage) {
  const now = new Date();
  const requestId = headers['x-request-id'];
  const event: APIGatewayProxyEventV2 = {
    version: '2.0',
    routeKey,
    rawPath: url,
    rawQueryString: '',
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]),
    ),
    requestContext: {
      accountId: '',
      apiId: '',
      domainName: '',
      domainPrefix: '',
      http: { method, path: url, protocol: 'HTTP/1.1', sourceIp: '', userAgent: '' },
      requestId: typeof requestId === 'string' ? requestId : '',
      routeKey,
      stage: '$default',
      time: now.toISOString(),
      timeEpoch: now.getTime(),
    },
    isBase64Encoded: false,
  };
  return event;
}

/** The handlers do not use it. */
const context: Context = {
  functionName: 'download-authorizer',
  functionVersion: '',
  invokedFunctionArn: '',
  memoryLimitInMB: '',
  awsRequestId: '',
  logGroupName: '',
  logStreamName: '',
  callbackWaitsForEmptyEventLoop: false,
  getRemainingTimeInMillis: () => requestTimeoutMs,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
};
