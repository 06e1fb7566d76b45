import { addAbortSignal, Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { config } from '../runtime/config.ts';
import { errorCode, errorMessage } from '../runtime/errors.ts';
import { lifecycleRules } from './object-keys.ts';

let client: S3Client | undefined;

/**
 * Without these, a request that gets no answer waits for ever, and so do its retries. They bound the idle time, not
 * the time of a request: a large part may take long on a slow network, and S3 sends blanks while it completes or
 * copies a large object.
 */
const timeouts = { connectionTimeout: 5_000, socketTimeout: 20_000 };

/** Returns the S3 client of this process. */
export function s3(): S3Client {
  const { endpoint, region } = config().s3;
  client ??= new S3Client({
    region,
    maxAttempts: 5,
    requestHandler: timeouts,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
  });
  return client;
}

const bucket = (): string => config().s3.bucket;

const isMissing = (error: unknown): boolean =>
  /^(NotFound|NoSuchKey|NoSuchUpload|404)$/.test(errorCode(error) ?? '');

/** An object in the storage. The ETag distinguishes it from any later object under the same key. */
export interface StoredObject {
  bytes: number;
  etag: string;
}

/** Returns the object under a key, undefined if it does not exist. */
export async function findObject(key: string): Promise<StoredObject | undefined> {
  try {
    const { ContentLength, ETag } = await s3().send(
      new HeadObjectCommand({ Bucket: bucket(), Key: key }),
    );
    if (ContentLength === undefined || ETag === undefined)
      throw new Error('the object storage returned no size or no ETag');
    return { bytes: ContentLength, etag: ETag };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Returns the bytes of an object, undefined if it does not exist. */
export const sizeOf = async (key: string): Promise<number | undefined> =>
  (await findObject(key))?.bytes;

/**
 * Streams the bytes of an object from `start` to `end` (exclusive). Throws if they end early, and
 * `PreconditionFailed` if the object's ETag is not `etag`.
 */
export async function* readObject(
  key: string,
  start: number,
  end: number,
  signal: AbortSignal,
  etag?: string,
): AsyncGenerator<Buffer> {
  if (start === end) return;
  const { Body } = await s3().send(
    new GetObjectCommand({
      Bucket: bucket(),
      Key: key,
      Range: `bytes=${start}-${end - 1}`,
      ...(etag === undefined ? {} : { IfMatch: etag }),
    }),
    { abortSignal: signal },
  );
  if (!(Body instanceof Readable)) throw new Error('the object storage returned no body');
  let length = 0;
  try {
    for await (const chunk of addAbortSignal(signal, Body)) {
      if (!Buffer.isBuffer(chunk)) throw new Error('it sent something that is not bytes');
      length += chunk.length;
      yield chunk;
    }
    if (length !== end - start) throw new Error(`it sent ${length} of ${end - start} bytes`);
  } catch (cause) {
    // The client marks its own errors with `$metadata`; it throws none once the headers have arrived.
    throw Object.assign(
      new Error(`reading from the object storage failed: ${errorMessage(cause)}`, { cause }),
      {
        $metadata: {},
      },
    );
  }
}

/** Deletes an object. Succeeds if it does not exist. */
export async function deleteObject(key: string): Promise<void> {
  await s3().send(new DeleteObjectCommand({ Bucket: bucket(), Key: key }));
}

/** Deletes an object and aborts every upload to its key, those unknown to the catalogue too. */
export async function deleteObjectAndUploads(key: string): Promise<void> {
  const { Uploads = [] } = await s3().send(
    new ListMultipartUploadsCommand({ Bucket: bucket(), Prefix: key }),
  );
  for (const { UploadId } of Uploads) await abortUpload(key, UploadId);
  await deleteObject(key);
}

export async function abortUpload(key: string, uploadId: string | undefined): Promise<void> {
  try {
    await s3().send(
      new AbortMultipartUploadCommand({ Bucket: bucket(), Key: key, UploadId: uploadId }),
    );
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Throws if the storage does not answer or the bucket does not exist. */
export async function checkStorage(): Promise<void> {
  await s3().send(new HeadBucketCommand({ Bucket: bucket() }));
}

/** Creates the bucket if it is missing, sets the rules that delete what every sweep has missed, and its encryption. */
export async function createBucket(): Promise<void> {
  try {
    await checkStorage();
  } catch (error) {
    if (!isMissing(error)) throw error;
    await s3().send(new CreateBucketCommand({ Bucket: bucket() }));
  }
  await s3().send(
    new PutBucketLifecycleConfigurationCommand({
      Bucket: bucket(),
      LifecycleConfiguration: {
        Rules: lifecycleRules.map(({ id, prefix, expirationDays, abortDays }) => ({
          ID: id,
          Status: 'Enabled',
          Filter: { Prefix: prefix },
          Expiration: { Days: expirationDays },
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: abortDays },
        })),
      },
    }),
  );
  const { ServerSideEncryption: SSEAlgorithm, SSEKMSKeyId: KMSMasterKeyID } = encryption();
  await s3().send(
    new PutBucketEncryptionCommand({
      Bucket: bucket(),
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm, KMSMasterKeyID } }],
      },
    }),
  );
}

/** Returns how the storage encrypts each object: with a key of KMS if one is configured, else with its own. */
export function encryption(): {
  ServerSideEncryption: 'AES256' | 'aws:kms';
  SSEKMSKeyId?: string;
} {
  const { kmsKeyId } = config().s3;
  return kmsKeyId === undefined
    ? { ServerSideEncryption: 'AES256' }
    : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKeyId };
}
