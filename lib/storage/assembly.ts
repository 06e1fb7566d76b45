/**
 * How an object is put together out of others and of some bytes between them: which parts of a
 * multipart upload are copied by the storage, and which are sent because they are too small for that.
 * A pure function of the segments, so that whoever takes over knows what the first n parts were.
 *
 * Every part but the last has 5 MiB or more, and a stretch can be copied only out of an object of more
 * than 5 MiB. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
 */
export type Segment = { bytes: Buffer } | { key: string; size: number };

/** `end` is exclusive. */
export interface Stretch {
  key: string;
  start: number;
  end: number;
}

export type Part = { copy: Stretch } | { send: (Buffer | Stretch)[] };

const leastPart = 5 * 2 ** 20;
/** S3 copies up to 5 GiB at once; a part of this size is copied within seconds, and 10,000 are 10 TiB. */
const mostCopied = 2 ** 30;

export function planParts(segments: readonly Segment[]): Part[] {
  const parts: Part[] = [];
  let waiting: (Buffer | Stretch)[] = [];
  let waitingBytes = 0;
  const send = (): void => {
    parts.push({ send: waiting });
    waiting = [];
    waitingBytes = 0;
  };
  const add = (bytes: Buffer | Stretch): void => {
    const length = Buffer.isBuffer(bytes) ? bytes.length : bytes.end - bytes.start;
    if (length === 0) return;
    waiting.push(bytes);
    waitingBytes += length;
    if (waitingBytes >= leastPart) send();
  };
  for (const segment of segments) {
    if ('bytes' in segment) {
      add(segment.bytes);
      continue;
    }
    const { key, size } = segment;
    // What waits is first made a whole part.
    const head = waitingBytes === 0 ? 0 : Math.min(size, leastPart - waitingBytes);
    add({ key, start: 0, end: head });
    if (size - head < leastPart || size <= leastPart) add({ key, start: head, end: size });
    else parts.push(...stretchesOf(key, head, size).map((copy) => ({ copy })));
  }
  // An object of no bytes is one part of no bytes.
  if (waitingBytes > 0 || parts.length === 0) send();
  return parts;
}

/** As few as may be, all about as large. */
function stretchesOf(key: string, from: number, to: number): Stretch[] {
  const count = Math.ceil((to - from) / mostCopied);
  const at = (n: number): number => from + Math.floor(((to - from) * n) / count);
  return Array.from({ length: count }, (_, n) => ({ key, start: at(n), end: at(n + 1) }));
}
