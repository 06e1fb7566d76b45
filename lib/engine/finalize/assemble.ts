import { assertWithinLimits } from '../../exports/planning/size-limits.ts';
import { compressionOf } from '../../formats/compression.ts';
import { formatOf } from '../../formats/index.ts';
import { AppError } from '../../runtime/errors.ts';
import type {
  Checkpoint,
  FileResult,
  FinalizeClaim,
  StoredUnitOutput,
  UploadedPart,
} from '../../scheduling/claim-types.ts';
import type { Lease } from '../../scheduling/lease.ts';
import { type ByteRange, planParts, type Segment } from '../../storage/assembly.ts';
import { findObject, readObject } from '../../storage/s3.ts';
import {
  completeUpload,
  copyPart,
  createUpload,
  type Upload,
  uploadPart,
} from '../../storage/upload.ts';
import { buildFileResult, contentTypeOf } from '../manifest.ts';
import { completeObject, ensureCompleting } from './complete-upload.ts';
import { type ExpectedRange, verifyObject } from './verify-object.ts';

/** Returned by an invocation that ran out of time: the next one continues at the checkpoint. */
export class Yielded {
  readonly checkpoint: Checkpoint;

  constructor(checkpoint: Checkpoint) {
    this.checkpoint = checkpoint;
  }
}

/** Parts that the storage copies in parallel. */
const copyConcurrency = 4;

/**
 * Assembles the file of a resumable export from its unit outputs. The storage copies large parts, the worker sends
 * small ones. Then the worker reads the object back once: each unit output in it must have the SHA-256 that its
 * reader computed.
 */
export async function assemble(
  claim: FinalizeClaim,
  lease: Lease,
  hasTime: () => boolean,
): Promise<{ objectKey: string; etag: string; outcome: FileResult } | Yielded> {
  const segments = await segmentsOf(claim);
  const bytes = segments.reduce(
    (sum, segment) => sum + ('bytes' in segment ? segment.bytes.length : segment.size),
    0,
  );
  const rows = claim.unitOutputs.reduce((sum, output) => sum + output.rows, 0);
  assertWithinLimits(claim.limits, { rows, bytes });
  const start = await resumePoint(claim, bytes);
  const checkpoint =
    start.phase === 'hash'
      ? start
      : await copyAll(claim, lease, start, { segments, bytes, hasTime });
  if (checkpoint instanceof Yielded) return checkpoint;

  await ensureCompleting(claim);
  const verification = await verifyObject(checkpoint, expectedRanges(segments, claim.unitOutputs), {
    signal: lease.signal,
    hasTime,
  });
  if ('yielded' in verification) return new Yielded({ ...checkpoint, ...verification.yielded });
  return {
    objectKey: checkpoint.objectKey,
    etag: checkpoint.etag,
    outcome: buildFileResult(claim, claim.unitOutputs, { bytes, sha256: verification.sha256 }),
  };
}

/** Returns the unit outputs in order, with the header, separators and footer of the format. */
async function segmentsOf({ request, unitOutputs }: FinalizeClaim): Promise<Segment[]> {
  const format = formatOf(request);
  const columns = unitOutputs[0]?.schema ?? [];
  const segments: Segment[] = [];
  if (unitOutputs[0]?.begins !== true)
    segments.push({ bytes: await compressedSegment(request, format.header(columns)) });
  let rowsBefore = false;
  for (const { objectKey, bytes, rows } of unitOutputs) {
    if (rows > 0) {
      segments.push({ bytes: await compressedSegment(request, format.separator(rowsBefore)) });
      rowsBefore = true;
    }
    segments.push({ key: objectKey, size: bytes });
  }
  const { compression } = request;
  const outputsWithRows = unitOutputs.filter(({ rows }) => rows > 0);
  const footer = format.footer({ columns, compression, segments: outputsWithRows });
  segments.push({ bytes: await compressedSegment(request, footer) });
  return segments;
}

/** Returns bytes outside the unit outputs, compressed as a gzip member or zstd frame of their own. */
async function compressedSegment(
  request: FinalizeClaim['request'],
  content: Buffer,
): Promise<Buffer> {
  const compressor = compressionOf(request).createStream?.();
  if (!compressor || content.length === 0) return content;
  compressor.end(content);
  const chunks: Buffer[] = [];
  for await (const chunk of compressor) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

type CopyCheckpoint = Extract<Checkpoint, { phase: 'copy' }>;
type HashCheckpoint = Extract<Checkpoint, { phase: 'hash' }>;

function hashCheckpoint(objectKey: string, etag: string): HashCheckpoint {
  return {
    phase: 'hash',
    objectKey,
    etag,
    verifiedRanges: 0,
    state: '',
  };
}

/** Returns where to start: at an object that an earlier attempt completed, at a checkpoint, or with a new upload. */
async function resumePoint(
  claim: FinalizeClaim,
  bytes: number,
): Promise<CopyCheckpoint | HashCheckpoint> {
  const { completing, checkpoint } = claim;
  if (checkpoint?.phase === 'hash') return checkpoint;
  const object = completing ? await findObject(completing.objectKey) : undefined;
  if (completing && object?.bytes === bytes)
    return hashCheckpoint(completing.objectKey, object.etag);
  if (checkpoint) return checkpoint;
  const { key, uploadId } = await createUpload(claim.objectKey, contentTypeOf(claim.request));
  return { phase: 'copy', objectKey: key, uploadId, parts: [] };
}

async function copyAll(
  claim: FinalizeClaim,
  lease: Lease,
  start: CopyCheckpoint,
  { segments, bytes, hasTime }: { segments: Segment[]; bytes: number; hasTime: () => boolean },
): Promise<HashCheckpoint | Yielded> {
  const upload: Upload = { key: start.objectKey, uploadId: start.uploadId };
  const plan = planParts(segments);
  const parts: UploadedPart[] = [...start.parts];
  while (parts.length < plan.length) {
    if (!hasTime()) return new Yielded({ ...start, parts });
    lease.check();
    const next = plan.slice(parts.length, parts.length + copyConcurrency);
    const uploaded = await Promise.all(
      next.map(async (part, n) => {
        const number = parts.length + n + 1;
        return 'copy' in part
          ? copyPart(upload, number, part.copy, lease.signal)
          : uploadPart(upload, number, await bytesOf(part.send, lease.signal), lease.signal);
      }),
    );
    parts.push(
      ...uploaded.map(({ ETag, ChecksumCRC32 }, n) => ({
        PartNumber: parts.length + n + 1,
        ETag,
        ChecksumCRC32,
      })),
    );
  }
  const complete = (): Promise<string> => completeUpload(upload, parts);
  const etag = await completeObject(claim, upload, { bytes }, lease, complete);
  return hashCheckpoint(upload.key, etag);
}

/** Returns the content of a part that the worker sends, at most 10 MiB (see `planParts`). */
async function bytesOf(
  contents: readonly (Buffer | ByteRange)[],
  signal: AbortSignal,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (const content of contents) {
    if (Buffer.isBuffer(content)) chunks.push(content);
    else
      for await (const bytes of readObject(content.key, content.start, content.end, signal))
        chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** Returns the ranges of the file, each with the hash or content that it must have. */
function expectedRanges(
  segments: readonly Segment[],
  unitOutputs: readonly StoredUnitOutput[],
): ExpectedRange[] {
  const hashes = new Map(unitOutputs.map(({ objectKey, sha256 }) => [objectKey, sha256]));
  return segments.map((segment) => {
    if ('bytes' in segment) return { size: segment.bytes.length, content: segment.bytes };
    const sha256 = hashes.get(segment.key);
    if (sha256 === undefined)
      throw new AppError('internal', 'The hash of a unit output is not known.');
    return { size: segment.size, sha256 };
  });
}
