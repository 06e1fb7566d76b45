import { addAbortSignal, Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutBucketLifecycleConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { config } from '../runtime/config.ts';
import { codeOf, messageOf } from '../runtime/errors.ts';

let made: S3Client | undefined;

/**
 * Without bounds of our own a request that gets no answer waits for ever, and its retries with it. Idle time, not
 * the time of a request: a large part may take long over a slow line, and S3 sends blanks while it completes or
 * copies something large.
 */
const timeouts = { connectionTimeout: 5_000, socketTimeout: 20_000 };

/** The one S3 client of this process. */
export function s3(): S3Client {
  const { endpoint, region } = config().s3;
  made ??= new S3Client({
    region,
    maxAttempts: 5,
    requestHandler: timeouts,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
  });
  return made;
}

const bucket = (): string => config().s3.bucket;

/** Where the object of an attempt lies. The key names the attempt: two attempts never share one. */
export const objectKeyOf = (of: { ownerId: string; exportId: string; attemptId: string }): string =>
  `exports/${of.ownerId}/${of.exportId}/${of.attemptId}`;

const isMissing = (error: unknown): boolean =>
  /^(NotFound|NoSuchKey|NoSuchUpload|404)$/.test(codeOf(error) ?? '');

/** An object as the storage has it. The ETag tells it from every other that the key may come to name. */
export interface StoredObject {
  bytes: number;
  etag: string;
}

/** Returns the object of that key, undefined if there is none. */
export async function findObject(key: string): Promise<StoredObject | undefined> {
  try {
    const { ContentLength, ETag } = await s3().send(
      new HeadObjectCommand({ Bucket: bucket(), Key: key }),
    );
    if (ContentLength === undefined || ETag === undefined)
      throw new Error('the object storage gave no size or no ETag');
    return { bytes: ContentLength, etag: ETag };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Size of an object, undefined if there is none. */
export const sizeOf = async (key: string): Promise<number | undefined> =>
  (await findObject(key))?.bytes;

/**
 * The bytes of an object from `start` to `end` (exclusive) as they come. Throws if they end early, and
 * `PreconditionFailed` where the object has another ETag than that asked for.
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
  if (!(Body instanceof Readable)) throw new Error('the object storage gave no body');
  let length = 0;
  try {
    for await (const piece of addAbortSignal(signal, Body)) {
      if (!Buffer.isBuffer(piece)) throw new Error('it gave something that is not bytes');
      length += piece.length;
      yield piece;
    }
    if (length !== end - start) throw new Error(`it gave ${length} bytes of ${end - start}`);
  } catch (cause) {
    // Marked as the client marks what it throws itself: behind the headers it throws nothing more.
    throw Object.assign(new Error(`the object storage broke off: ${messageOf(cause)}`, { cause }), {
      $metadata: {},
    });
  }
}

/** Deletes an object. One that is not there is done already. */
export async function deleteObject(key: string): Promise<void> {
  await s3().send(new DeleteObjectCommand({ Bucket: bucket(), Key: key }));
}

/** Aborts every upload to a key, known or not, and deletes the object: nothing of it is left. */
export async function clearKey(key: string): Promise<void> {
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

/** Throws if the bucket does not answer. */
export async function checkStorage(): Promise<void> {
  await s3().send(new HeadBucketCommand({ Bucket: bucket() }));
}

/** The longest life of an export and its transfer grace, in whole days: the backstop behind the sweep. */
const lifecycleDays = 32;

/** Makes the bucket if it is missing, with the rules that catch what every sweep has missed. */
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
        Rules: [
          {
            ID: 'exports-backstop',
            Status: 'Enabled',
            Filter: { Prefix: 'exports/' },
            Expiration: { Days: lifecycleDays },
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 },
          },
        ],
      },
    }),
  );
}
