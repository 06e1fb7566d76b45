import { move } from '../exports/states.ts';
import { transaction } from '../runtime/catalogue.ts';
import { messageOf } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import type { Claim, Outcome } from '../scheduling/attempt.ts';
import { Fenced, type Lease } from '../scheduling/lease.ts';
import type { MultipartWriter } from '../storage/multipart.ts';
import { sizeOf } from '../storage/s3.ts';

/**
 * Makes the object visible. What it will be is in the catalogue before, so that a worker that dies
 * between here and `ready` leaves an object that the next attempt can know for complete.
 */
export async function completeObject(
  claim: Claim,
  writer: MultipartWriter,
  outcome: Outcome,
  lease: Lease,
): Promise<void> {
  lease.check();
  await recordCompleting(claim, writer, outcome);
  lease.check();
  try {
    await writer.complete();
  } catch (error) {
    // Its repeated request may have found the upload completed by the first: look.
    logger.warn('completing an upload ended in an error', {
      exportId: claim.exportId,
      attemptId: claim.attemptId,
      reason: messageOf(error),
    });
    if ((await sizeOf(writer.key)) !== outcome.bytes) throw error;
  }
}

async function recordCompleting(
  claim: Claim,
  writer: MultipartWriter,
  outcome: Outcome,
): Promise<void> {
  await transaction(async (client) => {
    if (!(await move(client, claim.exportId, 'completing'))) throw new Fenced();
    const { rowCount } = await client.query(
      `update attempts a set outcome = $2, upload_id = $3
       from units u where a.id = $1 and u.attempt_id = a.id and u.state = 'running'`,
      [claim.attemptId, outcome, writer.uploadId],
    );
    if (rowCount !== 1) throw new Fenced();
  });
}

/** The object of a former attempt that got as far as completing, if it is there and whole. */
export async function findCompleted(
  claim: Claim,
): Promise<{ objectKey: string; outcome: Outcome } | undefined> {
  const { completing } = claim;
  if (!completing || (await sizeOf(completing.objectKey)) !== completing.outcome.bytes)
    return undefined;
  await transaction(async (client) => {
    if (!(await move(client, claim.exportId, 'completing'))) throw new Fenced();
  });
  return completing;
}
