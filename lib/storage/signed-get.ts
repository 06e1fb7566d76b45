import { GetObjectCommand } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { config } from '../runtime/config.ts';
import { s3 } from './s3.ts';

/** A GET of an object that the storage takes from whoever sends it, for 15 minutes: what NGINX has to send. */
export interface SignedGet {
  path: string;
  headers: {
    host: string;
    authorization: string;
    'x-amz-date': string;
    'x-amz-content-sha256': string;
    /** Of credentials that are for a time, as those of a function on AWS. */
    'x-amz-security-token'?: string | undefined;
    /** With it another object under the same key is a 412. */
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

/** What may be signed: the SDK adds headers about itself, which NGINX would have to repeat. */
const signedHeaders = new Set(['host', 'if-match', 'x-amz-content-sha256']);

interface Outgoing {
  query: Record<string, unknown>;
  headers: Record<string, string>;
}
const isOutgoing = (value: unknown): value is Outgoing =>
  typeof value === 'object' && value !== null && 'query' in value && 'headers' in value;

/**
 * Signs a GET of an object by its headers, not by its address: an address comes to stand in logs. The SDK signs it
 * as it would sign its own, and is kept from sending it. `Range` is not signed and may be added.
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
        if (!isOutgoing(args.request)) throw new Error('the SDK signs something unknown');
        args.request.query = {};
        for (const name of Object.keys(args.request.headers))
          if (!signedHeaders.has(name)) delete args.request.headers[name];
        return next(args);
      },
    { name: 'signNothingElse', relation: 'before', toMiddleware },
  );
  middlewareStack.addRelativeTo(
    () => async (args: { request?: unknown }) => {
      signed = args.request;
      return { response: {}, output: { $metadata: {} } };
    },
    { name: 'keepInsteadOfSending', relation: 'after', toMiddleware },
  );
  await s3().send(command);
  return signedSchema.parse(signed);
}
