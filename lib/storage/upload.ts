import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { config } from '../runtime/config.ts';
import { encryption, s3 } from './s3.ts';
import { isOutgoingRequest } from './signed-get.ts';

/** A multipart upload. Its object is invisible before it is completed. */
export interface Upload {
  key: string;
  uploadId: string;
}

export async function createUpload(key: string, contentType: string): Promise<Upload> {
  const { UploadId } = await s3().send(
    new CreateMultipartUploadCommand({
      Bucket: config().s3.bucket,
      Key: key,
      ContentType: contentType,
      ChecksumAlgorithm: 'CRC32',
      // Of every part, copied ones too.
      ...encryption(),
    }),
  );
  if (UploadId === undefined) throw new Error('the object storage returned no upload id');
  return { key, uploadId: UploadId };
}

const partAddressOf = ({ key, uploadId }: Upload, partNumber: number) => ({
  Bucket: config().s3.bucket,
  Key: key,
  UploadId: uploadId,
  PartNumber: partNumber,
});

export async function uploadPart(
  upload: Upload,
  partNumber: number,
  body: Buffer,
  abortSignal: AbortSignal,
): Promise<CompletedPart> {
  const command = new UploadPartCommand({
    ...partAddressOf(upload, partNumber),
    Body: body,
    ChecksumAlgorithm: 'CRC32',
  });
  if (isProtected(config().s3.endpoint)) leaveBodyUnsigned(command);
  const { ETag, ChecksumCRC32 } = await s3().send(command, { abortSignal });
  return { PartNumber: partNumber, ETag, ChecksumCRC32 };
}

/** Returns whether nobody can change what is sent to this endpoint: by TLS, or because it is on this machine. */
const isProtected = (endpoint: string | undefined): boolean =>
  endpoint === undefined || /^https:|^http:\/\/(127\.0\.0\.1|localhost)(:|\/|$)/.test(endpoint);

/**
 * Signs a part without the SHA-256 of its body, which takes more time than everything else that is done to send it. The
 * storage compares the body with its CRC32, whose header is signed.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
function leaveBodyUnsigned({ middlewareStack }: UploadPartCommand): void {
  middlewareStack.addRelativeTo(
    <Args extends { request?: unknown }, Result>(next: (args: Args) => Promise<Result>) =>
      (args: Args) => {
        if (!isOutgoingRequest(args.request))
          throw new Error('the SDK passed an unknown request to its signing middleware');
        args.request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
        return next(args);
      },
    { relation: 'before', toMiddleware: 'httpSigningMiddleware', name: 'unsignedBody' },
  );
}

/** Has the storage copy a range of an object as a part; `end` is exclusive. */
export async function copyPart(
  upload: Upload,
  partNumber: number,
  from: { key: string; start: number; end: number },
  abortSignal: AbortSignal,
): Promise<CompletedPart> {
  const { CopyPartResult } = await s3().send(
    new UploadPartCopyCommand({
      ...partAddressOf(upload, partNumber),
      CopySource: `${config().s3.bucket}/${from.key}`,
      CopySourceRange: `bytes=${from.start}-${from.end - 1}`,
    }),
    { abortSignal },
  );
  // S3 may report the failure of a copy after the status 200.
  if (CopyPartResult?.ETag === undefined)
    throw new Error('the object storage returned no ETag of a copied part');
  const { ETag, ChecksumCRC32 } = CopyPartResult;
  return { PartNumber: partNumber, ETag, ChecksumCRC32 };
}

/**
 * Makes the object visible, unless the key has one, and returns its ETag. After an error the object may be visible
 * all the same: the client retries the request, and its second attempt may find the upload completed.
 */
export async function completeUpload(
  { key, uploadId }: Upload,
  parts: readonly CompletedPart[],
): Promise<string> {
  const { ETag } = await s3().send(
    new CompleteMultipartUploadCommand({
      Bucket: config().s3.bucket,
      Key: key,
      UploadId: uploadId,
      IfNoneMatch: '*',
      MultipartUpload: {
        Parts: parts.toSorted((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0)),
      },
    }),
  );
  // S3 may report the failure of a completion after the status 200.
  if (ETag === undefined) throw new Error('the object storage returned no ETag');
  return ETag;
}
