import { S3Client } from '@aws-sdk/client-s3';
import { stack } from './stack.ts';

/** A client of the stack's object storage that is nobody's but the test's, and asks it directly. */
export const storageClient = (): S3Client =>
  new S3Client({
    endpoint: stack.s3.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
