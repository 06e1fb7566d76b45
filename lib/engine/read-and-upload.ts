import { assertWithinLimits } from '../exports/planning/size-limits.ts';
import { config } from '../runtime/config.ts';
import { errorMessage } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import type { Progress, ReadClaim, UnitOutput, WholeClaim } from '../scheduling/claim-types.ts';
import type { Lease } from '../scheduling/lease.ts';
import { MultipartWriter } from '../storage/multipart.ts';
import { contentTypeOf } from './manifest.ts';
import { overtimeError } from './read/read-timeout.ts';
import { readUnit } from './read/read-unit.ts';

export interface RunningAttempt {
  lease: Lease;
  /** Updated while reading; heartbeats report it. */
  progress: Progress;
  /** `performance.now()` at which the attempt has to stop. */
  end: number;
}

/** An upload with all bytes of a unit in the storage. The caller completes `writer`, or calls `abort`. */
interface UnitUpload {
  writer: MultipartWriter;
  output: UnitOutput;
  /** Aborts the upload after an error. Returns the error to throw: `source_timeout` if the time to read was over. */
  abort: (cause: unknown) => Promise<unknown>;
}

/** Reads a unit into a multipart upload of its own. Aborts the upload if reading or uploading fails. */
export async function readAndUpload(
  claim: WholeClaim | ReadClaim,
  { lease, progress, end }: RunningAttempt,
): Promise<UnitUpload> {
  const maxSeconds = config().sources.get(claim.source)?.maxReadSeconds ?? 0;
  const seconds = Math.max(1, Math.min(maxSeconds, Math.floor((end - performance.now()) / 1_000)));
  const checkLimits = (): void =>
    assertWithinLimits(claim.limits, {
      rows: progress.rows + lease.otherUnits.rows,
      bytes: progress.bytes + lease.otherUnits.bytes,
    });
  checkLimits();
  const overtime = AbortSignal.timeout(seconds * 1_000);
  const signal = AbortSignal.any([lease.signal, overtime]);
  const writer = new MultipartWriter(claim.objectKey, contentTypeOf(claim.request), signal);
  const abort = async (cause: unknown): Promise<unknown> => {
    await writer.abort().catch((reason: unknown) => {
      logger.warn('upload abort failed; the sweep will delete it', {
        attemptId: claim.attemptId,
        reason: errorMessage(reason),
      });
    });
    return overtime.aborted && !lease.signal.aborted
      ? overtimeError(claim.request, seconds, cause)
      : cause;
  };
  try {
    const output = await readUnit({
      claim,
      sink: writer,
      progress,
      checkLimits,
      signal,
      statementTimeoutSeconds: seconds,
    });
    await writer.flush();
    return { writer, output, abort };
  } catch (error) {
    throw await abort(error);
  }
}
