import { createHash } from 'node:crypto';
import { createSHA256 } from 'hash-wasm';
import { codeOf, Refusal } from '../runtime/errors.ts';
import { readObject } from '../storage/s3.ts';

/** A stretch of the file: as long as it has to be, with the hash or the content it has to have. */
export type ReadBack = { size: number } & ({ sha256: string } | { content: Buffer });

/** Which stretches are read, and the state of the hash behind them (base64; empty at the start). */
interface Position {
  objectKey: string;
  etag: string;
  pieces: number;
  state: string;
}

/**
 * Reads a file back once: its hash, and the proof that each stretch of it is what its maker made.
 * Stops between two stretches when there is no more time; node:crypto cannot save the state of a hash,
 * so that of the whole file is another one's. Throws `storage_error` on what is not as it was made.
 */
export async function readBack(
  { objectKey, etag, pieces: done, state }: Position,
  stretches: readonly ReadBack[],
  { signal, hasTime }: { signal: AbortSignal; hasTime: () => boolean },
): Promise<{ sha256: string } | { yielded: { pieces: number; state: string } }> {
  const whole = await createSHA256();
  if (state === '') whole.init();
  else whole.load(Buffer.from(state, 'base64'));
  let at = stretches.slice(0, done).reduce((sum, { size }) => sum + size, 0);
  for (const [n, stretch] of stretches.entries()) {
    if (n < done) continue;
    if (!hasTime())
      return { yielded: { pieces: n, state: Buffer.from(whole.save()).toString('base64') } };
    const own = createHash('sha256');
    try {
      for await (const bytes of readObject(objectKey, at, at + stretch.size, signal, etag)) {
        whole.update(bytes);
        own.update(bytes);
      }
    } catch (error) {
      if (codeOf(error) === 'PreconditionFailed') throw altered(error);
      throw error;
    }
    const wanted =
      'sha256' in stretch
        ? stretch.sha256
        : createHash('sha256').update(stretch.content).digest('hex');
    if (own.digest('hex') !== wanted) throw altered();
    at += stretch.size;
  }
  return { sha256: whole.digest('hex') };
}

const altered = (cause?: unknown): Refusal =>
  new Refusal(
    'storage_error',
    'The object storage gave back something else than was written. No file was kept; run the export again, and tell your administrator.',
    { cause },
  );
