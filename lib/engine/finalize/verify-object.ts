import { createHash } from 'node:crypto';
import { AppError, errorCode } from '../../runtime/errors.ts';
import { readObject } from '../../storage/s3.ts';

/** A range of the file with the size and the hash or content that it must have. */
export type ExpectedRange = { size: number } & ({ sha256: string } | { content: Buffer });

/** How far the object is verified, and the state of the hash of the file there (base64; empty at the start). */
interface Position {
  objectKey: string;
  etag: string;
  verifiedRanges: number;
  state: string;
}

/**
 * Reads an object once and returns its SHA-256. Throws `storage_error` if a range differs from what was written. Yields
 * between two ranges if the time is over: hash-wasm computes the hash of the file, because node:crypto cannot save the
 * state of a hash.
 */
export async function verifyObject(
  { objectKey, etag, verifiedRanges, state }: Position,
  ranges: readonly ExpectedRange[],
  { signal, hasTime }: { signal: AbortSignal; hasTime: () => boolean },
): Promise<{ sha256: string } | { yielded: { verifiedRanges: number; state: string } }> {
  // Most exports are not assembled: their workers need not have its 0.6 MB of code.
  const { createSHA256 } = await import('hash-wasm');
  const fileHash = await createSHA256();
  if (state === '') fileHash.init();
  else fileHash.load(Buffer.from(state, 'base64'));
  let start = ranges.slice(0, verifiedRanges).reduce((sum, { size }) => sum + size, 0);
  for (const [n, range] of ranges.entries()) {
    if (n < verifiedRanges) continue;
    if (!hasTime())
      return {
        yielded: { verifiedRanges: n, state: Buffer.from(fileHash.save()).toString('base64') },
      };
    const rangeHash = createHash('sha256');
    try {
      for await (const bytes of readObject(objectKey, start, start + range.size, signal, etag)) {
        fileHash.update(bytes);
        rangeHash.update(bytes);
      }
    } catch (error) {
      if (errorCode(error) === 'PreconditionFailed') throw alteredError(error);
      throw error;
    }
    const expectedHash =
      'sha256' in range ? range.sha256 : createHash('sha256').update(range.content).digest('hex');
    if (rangeHash.digest('hex') !== expectedHash) throw alteredError();
    start += range.size;
  }
  return { sha256: fileHash.digest('hex') };
}

function alteredError(cause?: unknown): AppError {
  return new AppError(
    'storage_error',
    'The object storage returned other bytes than were written. No file was kept. Run the export again, and tell your administrator.',
    { cause },
  );
}
