import { Agent } from 'node:http';
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { config } from '../runtime/config.ts';
import { errorCode, errorMessage } from '../runtime/errors.ts';
import { FairLimiter } from '../runtime/fair-limiter.ts';
import { logger } from '../runtime/logger.ts';

/** `gone`: there is no such connection. `slow`: it did not take the message in time, or not yet. */
type Delivery = 'sent' | 'gone' | 'slow';

/** What sends to connections: the gateway's API, or a test. */
export interface Gateway {
  /** Never throws. */
  post: (connectionId: string, text: string) => Promise<Delivery>;
  /** Never throws. */
  close: (connectionId: string) => Promise<void>;
}

/** A connection that does not take a message within this time is slow. */
const postMs = 1_000;

/** Calls at a time. They are many, so that slow connections leave room for the others. */
const limiter = new FairLimiter({ running: 256 });

let client: ApiGatewayManagementApiClient | undefined;

function managementApi(): ApiGatewayManagementApiClient {
  if (client) return client;
  const { liveEndpoint, s3, doorSecret } = config();
  if (liveEndpoint === undefined) throw new Error('STREAMSYNC_LIVE_ENDPOINT is not set');
  client = new ApiGatewayManagementApiClient({
    endpoint: liveEndpoint,
    region: s3.region,
    // The sender decides what becomes of a failed call.
    maxAttempts: 1,
    ...(liveEndpoint.startsWith('http:')
      ? { requestHandler: { httpAgent: new Agent({ keepAlive: true }) } }
      : {}),
  });
  // The local gateway answers only callers that have the secret of the stack; on AWS the signature is enough.
  if (liveEndpoint.startsWith('http:'))
    client.middlewareStack.add(
      (next) => (call) => {
        if (hasHeaders(call.request)) call.request.headers['x-door-secret'] = doorSecret;
        return next(call);
      },
      { step: 'build' },
    );
  return client;
}

const hasHeaders = (request: unknown): request is { headers: Record<string, string> } =>
  typeof request === 'object' && request !== null && 'headers' in request;

export const gateway: Gateway = {
  post: (connectionId, text) =>
    limiter.run(connectionId, async () => {
      const abortSignal = AbortSignal.timeout(postMs);
      const post = async (): Promise<Delivery> => {
        await managementApi().send(
          new PostToConnectionCommand({ ConnectionId: connectionId, Data: Buffer.from(text) }),
          { abortSignal },
        );
        return 'sent';
      };
      try {
        return await post().catch((error: unknown) => {
          if (!isReset(error)) throw error;
          return post();
        });
      } catch (error) {
        if (isGone(error)) return 'gone';
        logger.info('live message not delivered', { connectionId, reason: errorMessage(error) });
        return 'slow';
      }
    }),
  close: async (connectionId) => {
    try {
      await managementApi().send(new DeleteConnectionCommand({ ConnectionId: connectionId }), {
        abortSignal: AbortSignal.timeout(postMs),
      });
    } catch (error) {
      if (!isGone(error))
        logger.info('live connection not closed', { connectionId, reason: errorMessage(error) });
    }
  },
};

/**
 * The gateway closes connections that it has not used for some seconds, at times while a call begins. A client that gets
 * the message of such a call twice sees a gap.
 */
const isReset = (error: unknown): boolean =>
  /^(ECONNRESET|EPIPE)$/.test(errorCode(error) ?? '') || /socket hang up/.test(errorMessage(error));

/** The local gateway answers 410 without the type of the error. */
const isGone = (error: unknown): boolean =>
  errorCode(error) === 'GoneException' || statusOf(error) === 410;

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const { $metadata: metadata } = error;
  return typeof metadata === 'object' &&
    metadata !== null &&
    'httpStatusCode' in metadata &&
    typeof metadata.httpStatusCode === 'number'
    ? metadata.httpStatusCode
    : undefined;
}
