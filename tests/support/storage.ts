import { S3Client } from '@aws-sdk/client-s3';
import { stack } from './stack.ts';

/** Returns a client that calls the stack's object storage directly, without the proxy. */
export const storageClient = (): S3Client =>
  new S3Client({
    endpoint: stack.s3.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
