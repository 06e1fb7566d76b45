import { requireWithin } from '../exports/size.ts';
import { compressionOf } from '../formats/compression.ts';
import { formatOf } from '../formats/index.ts';
import { Refusal } from '../runtime/errors.ts';
import type {
  Checkpoint,
  FinalizeClaim,
  Outcome,
  StoredPiece,
  UploadedPart,
} from '../scheduling/attempt.ts';
import type { Lease } from '../scheduling/lease.ts';
import { planParts, type Segment, type Stretch } from '../storage/assembly.ts';
import { findObject, readObject } from '../storage/s3.ts';
import {
  completeUpload,
  copyPart,
  createUpload,
  type Upload,
  uploadPart,
} from '../storage/upload.ts';
import { completeObject, standAtCompleting } from './complete.ts';
import { contentTypeOf, outcomeOf } from './manifest.ts';
import { type ReadBack, readBack } from './read-back.ts';

/** An invocation that has no more time leaves where it stands; the next goes on from there. */
export class Yielded {
  readonly checkpoint: Checkpoint;

  constructor(checkpoint: Checkpoint) {
    this.checkpoint = checkpoint;
  }
}

/** How many copies the storage makes at a time. */
const atOnce = 4;

/**
 * Puts the file of a resumable export together out of the pieces that its read units have left: parts
 * are copied by the storage, small ones by us; then the whole is read back once, and every piece in it
 * has to have the hash that the worker which read it has computed.
 */
export async function assemble(
  claim: FinalizeClaim,
  lease: Lease,
  hasTime: () => boolean,
): Promise<{ objectKey: string; etag: string; outcome: Outcome } | Yielded> {
  const segments = await segmentsOf(claim);
  const bytes = segments.reduce((sum, it) => sum + ('bytes' in it ? it.bytes.length : it.size), 0);
  const rows = claim.pieces.reduce((sum, piece) => sum + piece.rows, 0);
  requireWithin(claim.limits, { rows, bytes });
  const begun = await beginning(claim, bytes);
  const copied =
    begun.phase === 'hash'
      ? begun
      : await copyAll(claim, lease, begun, { segments, bytes, hasTime });
  if (copied instanceof Yielded) return copied;

  await standAtCompleting(claim);
  const read = await readBack(copied, partsToProve(segments, claim.pieces), {
    signal: lease.signal,
    hasTime,
  });
  if ('yielded' in read) return new Yielded({ ...copied, ...read.yielded });
  return {
    objectKey: copied.objectKey,
    etag: copied.etag,
    outcome: outcomeOf(claim, claim.pieces, { bytes, sha256: read.sha256 }),
  };
}

/** The pieces in their order, with what the format puts before, between and behind them. */
async function segmentsOf({ request, pieces }: FinalizeClaim): Promise<Segment[]> {
  const format = formatOf(request);
  const columns = pieces[0]?.schema ?? [];
  const segments: Segment[] = [];
  if (pieces[0]?.begins !== true)
    segments.push({ bytes: await member(request, format.prologue(columns)) });
  let rowsBefore = false;
  for (const { objectKey, bytes, rows } of pieces) {
    if (rows > 0) {
      segments.push({ bytes: await member(request, format.glue(rowsBefore)) });
      rowsBefore = true;
    }
    segments.push({ key: objectKey, size: bytes });
  }
  const { compression } = request;
  const parts = pieces.filter(({ rows }) => rows > 0);
  const end = format.epilogue({ columns, compression, parts });
  segments.push({ bytes: await member(request, end) });
  return segments;
}

/** Bytes of the file outside any piece are a member of their own. */
async function member(request: FinalizeClaim['request'], content: Buffer): Promise<Buffer> {
  const compressor = compressionOf(request).member?.();
  if (!compressor || content.length === 0) return content;
  compressor.end(content);
  const pieces: Buffer[] = [];
  for await (const piece of compressor) if (Buffer.isBuffer(piece)) pieces.push(piece);
  return Buffer.concat(pieces);
}

type Begun = Extract<Checkpoint, { phase: 'copy' }>;
type Copied = Extract<Checkpoint, { phase: 'hash' }>;

const unread = (objectKey: string, etag: string): Copied => ({
  phase: 'hash',
  objectKey,
  etag,
  pieces: 0,
  state: '',
});

/** Where to go on: at an object that a former attempt has completed, at a checkpoint, or anew. */
async function beginning(claim: FinalizeClaim, bytes: number): Promise<Begun | Copied> {
  const { completing, checkpoint } = claim;
  if (checkpoint?.phase === 'hash') return checkpoint;
  const found = completing ? await findObject(completing.objectKey) : undefined;
  if (completing && found?.bytes === bytes) return unread(completing.objectKey, found.etag);
  if (checkpoint) return checkpoint;
  const { key, uploadId } = await createUpload(claim.objectKey, contentTypeOf(claim.request));
  return { phase: 'copy', objectKey: key, uploadId, parts: [] };
}

async function copyAll(
  claim: FinalizeClaim,
  lease: Lease,
  begun: Begun,
  { segments, bytes, hasTime }: { segments: Segment[]; bytes: number; hasTime: () => boolean },
): Promise<Copied | Yielded> {
  const upload: Upload = { key: begun.objectKey, uploadId: begun.uploadId };
  const plan = planParts(segments);
  const parts: UploadedPart[] = [...begun.parts];
  while (parts.length < plan.length) {
    if (!hasTime()) return new Yielded({ ...begun, parts });
    lease.check();
    const next = plan.slice(parts.length, parts.length + atOnce);
    const made = await Promise.all(
      next.map(async (part, n) => {
        const number = parts.length + n + 1;
        return 'copy' in part
          ? copyPart(upload, number, part.copy, lease.signal)
          : uploadPart(upload, number, await bytesOf(part.send, lease.signal), lease.signal);
      }),
    );
    parts.push(
      ...made.map(({ ETag, ChecksumCRC32 }, n) => ({
        PartNumber: parts.length + n + 1,
        ETag,
        ChecksumCRC32,
      })),
    );
  }
  const complete = (): Promise<string> => completeUpload(upload, parts);
  const etag = await completeObject(claim, upload, { bytes }, lease, complete);
  return unread(upload.key, etag);
}

/** At most 10 MiB: see `planParts`. */
async function bytesOf(
  pieces: readonly (Buffer | Stretch)[],
  signal: AbortSignal,
): Promise<Buffer> {
  const all: Buffer[] = [];
  for (const piece of pieces) {
    if (Buffer.isBuffer(piece)) all.push(piece);
    else
      for await (const bytes of readObject(piece.key, piece.start, piece.end, signal))
        all.push(bytes);
  }
  return Buffer.concat(all);
}

/** The stretches of the file, each with the hash it has to have. */
function partsToProve(segments: readonly Segment[], pieces: readonly StoredPiece[]): ReadBack[] {
  const hashes = new Map(pieces.map(({ objectKey, sha256 }) => [objectKey, sha256]));
  return segments.map((it) => {
    if ('bytes' in it) return { size: it.bytes.length, content: it.bytes };
    const sha256 = hashes.get(it.key);
    if (sha256 === undefined) throw new Refusal('internal', 'A piece of the file is not known.');
    return { size: it.size, sha256 };
  });
}
