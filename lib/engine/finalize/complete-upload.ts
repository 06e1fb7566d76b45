import { move } from '../exports/states.ts';
import { transaction } from '../runtime/catalogue.ts';
import { messageOf } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import type { FinalizeClaim, Outcome, WholeClaim } from '../scheduling/attempt.ts';
import { Fenced, type Lease } from '../scheduling/lease.ts';
import { findObject } from '../storage/s3.ts';
import type { Upload } from '../storage/upload.ts';

/**
 * Makes the object visible and returns its ETag. What it will be is in the catalogue before, so that a worker that dies
 * between here and `ready` leaves an object that the next attempt can know for complete.
 */
export async function completeObject(
  claim: WholeClaim | FinalizeClaim,
  upload: Upload,
  outcome: Outcome | { bytes: number },
  lease: Lease,
  complete: () => Promise<string>,
): Promise<string> {
  lease.check();
  await recordCompleting(claim, upload, outcome);
  lease.check();
  return completeOrFind(upload, outcome.bytes, complete);
}

/** An error does not tell whether it is complete: a repeated request may find it completed by the first. */
export async function completeOrFind(
  { key }: Upload,
  bytes: number,
  complete: () => Promise<string>,
): Promise<string> {
  try {
    return await complete();
  } catch (error) {
    logger.warn('completing an upload ended in an error', { key, reason: messageOf(error) });
    const found = await findObject(key);
    if (found?.bytes !== bytes) throw error;
    return found.etag;
  }
}

async function recordCompleting(
  claim: WholeClaim | FinalizeClaim,
  { key, uploadId }: Upload,
  outcome: Outcome | { bytes: number },
): Promise<void> {
  await transaction(async (client) => {
    if (!(await move(client, claim.exportId, 'completing'))) throw new Fenced();
    const { rowCount } = await client.query(
      `update attempts a set outcome = $2, upload_id = $3, completing_key = $4
       from units u where a.id = $1 and u.attempt_id = a.id and u.state = 'running'`,
      [claim.attemptId, outcome, uploadId, key],
    );
    if (rowCount !== 1) throw new Fenced();
  });
}

/** For an attempt that takes over what another has completed. */
export async function standAtCompleting({ exportId }: { exportId: string }): Promise<void> {
  await transaction(async (client) => {
    await client.query('select 1 from exports where id = $1 for update', [exportId]);
    const { rowCount } = await client.query(
      `select 1 from exports where id = $1 and state = 'completing'`,
      [exportId],
    );
    if (rowCount === 0 && !(await move(client, exportId, 'completing'))) throw new Fenced();
  });
}

/** The object of a former attempt that got as far as completing, if it is there and whole. */
export async function findCompleted(
  claim: WholeClaim,
): Promise<{ objectKey: string; etag: string; outcome: Outcome } | undefined> {
  const { completing } = claim;
  const found = completing ? await findObject(completing.objectKey) : undefined;
  if (!completing || found?.bytes !== completing.outcome.bytes) return undefined;
  await standAtCompleting(claim);
  return { ...completing, etag: found.etag };
}
