import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { config } from '../runtime/config.ts';
import { s3 } from './s3.ts';

/** The requests of a multipart upload. Nothing is visible under the key before it is completed. */
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
    }),
  );
  if (UploadId === undefined) throw new Error('the object storage gave no upload id');
  return { key, uploadId: UploadId };
}

const addressOf = ({ key, uploadId }: Upload, partNumber: number) => ({
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
  const { ETag, ChecksumCRC32 } = await s3().send(
    new UploadPartCommand({
      ...addressOf(upload, partNumber),
      Body: body,
      ChecksumAlgorithm: 'CRC32',
    }),
    { abortSignal },
  );
  return { PartNumber: partNumber, ETag, ChecksumCRC32 };
}

/** A part that is a stretch of an object, `end` exclusive, copied by the storage itself. */
export async function copyPart(
  upload: Upload,
  partNumber: number,
  from: { key: string; start: number; end: number },
  abortSignal: AbortSignal,
): Promise<CompletedPart> {
  const { CopyPartResult } = await s3().send(
    new UploadPartCopyCommand({
      ...addressOf(upload, partNumber),
      CopySource: `${config().s3.bucket}/${from.key}`,
      CopySourceRange: `bytes=${from.start}-${from.end - 1}`,
    }),
    { abortSignal },
  );
  // A copy may fail behind a 200.
  if (CopyPartResult?.ETag === undefined) throw new Error('the object storage copied nothing');
  const { ETag, ChecksumCRC32 } = CopyPartResult;
  return { PartNumber: partNumber, ETag, ChecksumCRC32 };
}

/**
 * Makes the object visible, unless there is one of that key, and returns its ETag. An error does not tell
 * whether it did: the request is repeated by the client, and its second try may find the upload completed.
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
  // A completion may fail behind a 200.
  if (ETag === undefined) throw new Error('the object storage gave no ETag');
  return ETag;
}
