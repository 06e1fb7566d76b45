/**
 * Plans how a multipart upload assembles an object from other objects and the bytes between them: which parts the
 * storage copies, and which are sent because they are too small to be copied. A pure function of the segments, so
 * that the next attempt knows what the first n parts were.
 *
 * Every part but the last has 5 MiB or more, and a range can be copied only from an object of more than
 * 5 MiB. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
 */
export type Segment = { bytes: Buffer } | { key: string; size: number };

/** `end` is exclusive. */
export interface ByteRange {
  key: string;
  start: number;
  end: number;
}

export type Part = { copy: ByteRange } | { send: (Buffer | ByteRange)[] };

const minPartBytes = 5 * 2 ** 20;
/** S3 copies up to 5 GiB at once. A part of 1 GiB is copied within seconds, and 10,000 of them are 10 TiB. */
const maxCopyPartBytes = 2 ** 30;

export function planParts(segments: readonly Segment[]): Part[] {
  const parts: Part[] = [];
  let pending: (Buffer | ByteRange)[] = [];
  let pendingBytes = 0;
  const send = (): void => {
    parts.push({ send: pending });
    pending = [];
    pendingBytes = 0;
  };
  const add = (bytes: Buffer | ByteRange): void => {
    const length = Buffer.isBuffer(bytes) ? bytes.length : bytes.end - bytes.start;
    if (length === 0) return;
    pending.push(bytes);
    pendingBytes += length;
    if (pendingBytes >= minPartBytes) send();
  };
  for (const segment of segments) {
    if ('bytes' in segment) {
      add(segment.bytes);
      continue;
    }
    const { key, size } = segment;
    // Pending bytes are first filled up to a whole part.
    const head = pendingBytes === 0 ? 0 : Math.min(size, minPartBytes - pendingBytes);
    add({ key, start: 0, end: head });
    if (size - head < minPartBytes || size <= minPartBytes) add({ key, start: head, end: size });
    else parts.push(...divideRange(key, head, size).map((copy) => ({ copy })));
  }
  // An empty object is one empty part.
  if (pendingBytes > 0 || parts.length === 0) send();
  return parts;
}

/** Divides a range into as few copyable ranges as possible, all of about the same size. */
function divideRange(key: string, from: number, to: number): ByteRange[] {
  const count = Math.ceil((to - from) / maxCopyPartBytes);
  const boundary = (n: number): number => from + Math.floor(((to - from) * n) / count);
  return Array.from({ length: count }, (_, n) => ({
    key,
    start: boundary(n),
    end: boundary(n + 1),
  }));
}
