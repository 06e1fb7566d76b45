import { SpanKind } from '@opentelemetry/api';
import { relay } from '../messaging/outbox.ts';
import { signManifest } from '../proof/signature.ts';
import { transaction } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { collectGarbageOfEndedWork } from '../runtime/gc-pressure.ts';
import { logger } from '../runtime/logger.ts';
import { withSpan } from '../runtime/tracing.ts';
import { claimUnit } from '../scheduling/claim.ts';
import type {
  Claim,
  Delivery,
  FileResult,
  FinalizeClaim,
  ReadClaim,
  WholeClaim,
} from '../scheduling/claim-types.ts';
import { dispatch } from '../scheduling/dispatch.ts';
import { Lease } from '../scheduling/lease.ts';
import { reopenSlot } from '../scheduling/slots.ts';
import {
  type FinishedObject,
  finishExport,
  finishReadUnit,
  yieldUnit,
} from '../scheduling/unit-transitions.ts';
import { assemble, Yielded } from './finalize/assemble.ts';
import {
  completeIdempotently,
  completeObject,
  findCompletedObject,
} from './finalize/complete-upload.ts';
import { buildFileResult, contentTypeOf } from './manifest.ts';
import { type RunningAttempt, readAndUpload } from './read-and-upload.ts';
import { recordFailure } from './record-failure.ts';

/** An attempt stops reading this long before its invocation times out, to record its end. */
const shutdownReserveSeconds = 30;
/** A finalize unit yields to another invocation after this time. */
const maxFinalizeSeconds = 10 * 60;

/**
 * Claims the unit of a delivery, runs it and records how it ended. Failures of the export are recorded, not
 * thrown. Throws if the catalogue is unavailable, so that the delivery is repeated.
 */
export async function runUnit(delivery: Delivery, remainingMs: number): Promise<void> {
  const end = performance.now() + remainingMs - shutdownReserveSeconds * 1_000;
  const claim = await claimUnit(delivery, end);
  if (!claim) {
    logger.info('stale delivery dropped', { ...delivery });
  } else {
    const { exportId, unitId, attemptId } = claim;
    const ids = { exportId, unitId, attemptId };
    logger.info('attempt begins', ids);
    const attributes = {
      'streamsync.export.id': exportId,
      'streamsync.unit.id': unitId,
      'streamsync.attempt.id': attemptId,
    };
    await withSpan(`unit ${claim.kind}`, { kind: SpanKind.INTERNAL, attributes }, () =>
      runAttempt(claim, end),
    );
    // The sweep may have declared the attempt lost: its slot waits no longer for an invocation that has ended.
    await reopenSlot(delivery);
    logger.info('attempt ended', ids);
  }
  await dispatch();
  await relay();
  collectGarbageOfEndedWork();
}

/** @param end the time, by `performance.now()`, at which it stops reading */
async function runAttempt(claim: Claim, end: number): Promise<void> {
  const progress = { rows: 0, bytes: 0 };
  const lease = new Lease(claim, () => progress);
  lease.start();
  const attempt = { lease, progress, end };
  try {
    switch (claim.kind) {
      case 'whole':
        await runWholeFile(claim, attempt);
        break;
      case 'read':
        await runReadUnit(claim, attempt);
        break;
      case 'finalize':
        await runFinalizeUnit(claim, attempt);
        break;
      default:
        claim satisfies never;
    }
  } catch (error) {
    await recordFailure(claim, lease.signal.aborted ? lease.signal.reason : error);
  } finally {
    await lease.stop();
  }
}

async function runWholeFile(claim: WholeClaim, attempt: RunningAttempt): Promise<void> {
  const { objectKey, etag, outcome } =
    (await findCompletedObject(claim)) ?? (await writeWholeFile(claim, attempt));
  await publish(claim, attempt.lease, { key: objectKey, etag }, outcome);
}

async function writeWholeFile(
  claim: WholeClaim,
  attempt: RunningAttempt,
): Promise<{ objectKey: string; etag: string; outcome: FileResult }> {
  const { writer, output, abort } = await readAndUpload(claim, attempt);
  try {
    const outcome = buildFileResult(claim, [output], output);
    const complete = (): Promise<string> => writer.complete();
    const upload = await writer.upload;
    const etag = await completeObject(claim, upload, outcome, attempt.lease, complete);
    return { objectKey: claim.objectKey, etag, outcome };
  } catch (error) {
    throw await abort(error);
  }
}

/** Signs the manifest of a completed object and records the export as ready. */
async function publish(
  claim: WholeClaim | FinalizeClaim,
  lease: Lease,
  object: FinishedObject,
  outcome: FileResult,
): Promise<void> {
  const manifest = await signManifest(outcome.manifest, config().signingKeys.signing);
  lease.check();
  await transaction((client) =>
    finishExport(client, claim, object, { ...outcome, manifest }, contentTypeOf(claim.request)),
  );
}

async function runReadUnit(claim: ReadClaim, attempt: RunningAttempt): Promise<void> {
  const { writer, output, abort } = await readAndUpload(claim, attempt);
  try {
    attempt.lease.check();
    await completeIdempotently(await writer.upload, output.bytes, () => writer.complete());
  } catch (error) {
    throw await abort(error);
  }
  attempt.lease.check();
  await transaction((client) => finishReadUnit(client, claim, output));
}

async function runFinalizeUnit(
  claim: FinalizeClaim,
  { lease, end }: RunningAttempt,
): Promise<void> {
  const stop = Math.min(end, performance.now() + maxFinalizeSeconds * 1_000);
  const result = await assemble(claim, lease, () => performance.now() < stop);
  if (!(result instanceof Yielded)) {
    const { objectKey, etag, outcome } = result;
    return publish(claim, lease, { key: objectKey, etag }, outcome);
  }
  lease.check();
  await transaction((client) => yieldUnit(client, claim, result.checkpoint));
}
