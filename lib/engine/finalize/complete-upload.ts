import { transition } from '../../exports/lifecycle/states.ts';
import { transaction } from '../../runtime/catalogue.ts';
import { errorMessage } from '../../runtime/errors.ts';
import { logger } from '../../runtime/logger.ts';
import type { FileResult, FinalizeClaim, WholeClaim } from '../../scheduling/claim-types.ts';
import { FencedError, type Lease } from '../../scheduling/lease.ts';
import { findObject } from '../../storage/s3.ts';
import type { Upload } from '../../storage/upload.ts';

/**
 * Completes an upload and returns the ETag of its object. The catalogue has the size and key of the object before: if
 * the worker dies between here and `ready`, the next attempt can tell that the object is complete.
 */
export async function completeObject(
  claim: WholeClaim | FinalizeClaim,
  upload: Upload,
  outcome: FileResult | { bytes: number },
  lease: Lease,
  complete: () => Promise<string>,
): Promise<string> {
  lease.check();
  await recordCompleting(claim, upload, outcome);
  lease.check();
  return completeIdempotently(upload, outcome.bytes, complete);
}

/**
 * Returns the ETag of the completed object. After an error the object may be complete all the same, as when a repeated
 * request finds it completed by the first. Throws the error if there is no object of `bytes` bytes.
 */
export async function completeIdempotently(
  { key }: Upload,
  bytes: number,
  complete: () => Promise<string>,
): Promise<string> {
  try {
    return await complete();
  } catch (error) {
    logger.warn('upload completion failed', { key, reason: errorMessage(error) });
    const object = await findObject(key);
    if (object?.bytes !== bytes) throw error;
    return object.etag;
  }
}

async function recordCompleting(
  claim: WholeClaim | FinalizeClaim,
  { key, uploadId }: Upload,
  outcome: FileResult | { bytes: number },
): Promise<void> {
  await transaction(async (client) => {
    if (!(await transition(client, claim.exportId, 'completing'))) throw new FencedError();
    const { rowCount } = await client.query(
      `update attempts a set outcome = $2, upload_id = $3, completing_key = $4
       from units u where a.id = $1 and u.attempt_id = a.id and u.state = 'running'`,
      [claim.attemptId, outcome, uploadId, key],
    );
    if (rowCount !== 1) throw new FencedError();
  });
}

/** Sets the export to `completing` for an attempt that adopts an earlier object. Throws `FencedError` if it cannot. */
export async function ensureCompleting({ exportId }: { exportId: string }): Promise<void> {
  await transaction(async (client) => {
    await client.query('select 1 from exports where id = $1 for update', [exportId]);
    const { rowCount } = await client.query(
      `select 1 from exports where id = $1 and state = 'completing'`,
      [exportId],
    );
    if (rowCount === 0 && !(await transition(client, exportId, 'completing')))
      throw new FencedError();
  });
}

/** Returns the object that an earlier attempt completed, if it exists and has all its bytes. */
export async function findCompletedObject(
  claim: WholeClaim,
): Promise<{ objectKey: string; etag: string; outcome: FileResult } | undefined> {
  const { completing } = claim;
  const object = completing ? await findObject(completing.objectKey) : undefined;
  if (!completing || object?.bytes !== completing.outcome.bytes) return undefined;
  await ensureCompleting(claim);
  return { ...completing, etag: object.etag };
}
