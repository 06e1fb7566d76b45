import { GetObjectCommand } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { config } from '../runtime/config.ts';
import { s3 } from './s3.ts';

/** A GET of an object as NGINX has to send it. The storage accepts it from any sender for 15 minutes. */
export interface SignedGet {
  path: string;
  headers: {
    host: string;
    authorization: string;
    'x-amz-date': string;
    'x-amz-content-sha256': string;
    /** Set with temporary credentials, as a function has them on AWS. */
    'x-amz-security-token'?: string | undefined;
    /** The storage answers 412 if the key has another object. */
    'if-match'?: string | undefined;
  };
}

const signedSchema = z.object({
  path: z.string(),
  headers: z.object({
    host: z.string(),
    authorization: z.string(),
    'x-amz-date': z.string(),
    'x-amz-content-sha256': z.string(),
    'x-amz-security-token': z.string().optional(),
    'if-match': z.string().optional(),
  }),
});

/** Only these are signed: NGINX would have to repeat the headers that the SDK adds about itself. */
const signedHeaders = new Set(['host', 'if-match', 'x-amz-content-sha256']);

interface OutgoingRequest {
  query: Record<string, unknown>;
  headers: Record<string, string>;
}
export const isOutgoingRequest = (value: unknown): value is OutgoingRequest =>
  typeof value === 'object' && value !== null && 'query' in value && 'headers' in value;

/**
 * Signs a GET of an object in its headers, because logs contain the query of a URL. The SDK signs its own request,
 * and a middleware keeps it from being sent. `Range` is not signed and may be added.
 */
export async function signGet(key: string, etag: string | null): Promise<SignedGet> {
  const command = new GetObjectCommand({
    Bucket: config().s3.bucket,
    Key: key,
    ...(etag === null ? {} : { IfMatch: etag }),
  });
  let signed: unknown;
  const { middlewareStack } = command;
  const toMiddleware = 'httpSigningMiddleware';
  middlewareStack.addRelativeTo(
    <Args extends { request?: unknown }, Result>(next: (args: Args) => Promise<Result>) =>
      (args: Args) => {
        if (!isOutgoingRequest(args.request))
          throw new Error('the SDK passed an unknown request to its signing middleware');
        args.request.query = {};
        for (const name of Object.keys(args.request.headers))
          if (!signedHeaders.has(name)) delete args.request.headers[name];
        return next(args);
      },
    { name: 'signOnlySignedHeaders', relation: 'before', toMiddleware },
  );
  middlewareStack.addRelativeTo(
    () => async (args: { request?: unknown }) => {
      signed = args.request;
      return { response: {}, output: { $metadata: {} } };
    },
    { name: 'captureInsteadOfSending', relation: 'after', toMiddleware },
  );
  await s3().send(command);
  return signedSchema.parse(signed);
}
