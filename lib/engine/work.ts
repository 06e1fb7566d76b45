import { requireWithin } from '../exports/size.ts';
import { relay } from '../messaging/outbox.ts';
import { signManifest } from '../proof/signature.ts';
import { type Queryable, transaction } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { forLog, messageOf } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import type {
  Claim,
  Delivery,
  FinalizeClaim,
  Outcome,
  Piece,
  PieceClaim,
  Progress,
  WholeClaim,
} from '../scheduling/attempt.ts';
import { claim } from '../scheduling/claim.ts';
import { dispatch } from '../scheduling/dispatch.ts';
import {
  cancelUnit,
  type FinishedObject,
  failUnit,
  finishExport,
  finishPiece,
  retryUnit,
  yieldUnit,
} from '../scheduling/end.ts';
import { Cancelled, Fenced, Lease } from '../scheduling/lease.ts';
import { MultipartWriter } from '../storage/multipart.ts';
import { assemble, Yielded } from './assemble.ts';
import { completeObject, completeOrFind, findCompleted } from './complete.ts';
import { faultOf, mostRetries, retryAfterSeconds } from './faults.ts';
import { contentTypeOf, outcomeOf } from './manifest.ts';
import { refusalOfOvertime } from './overtime.ts';
import { readUnit } from './read.ts';

/** What is kept of an invocation's time for finishing. */
const reserveSeconds = 30;
/** A file that is not put together within this time is gone on with by another invocation. */
const mostFinalizeSeconds = 10 * 60;

/**
 * Works on the unit of a delivery, from claim to end. Business failures are recorded, not thrown; a
 * throw means the catalogue is away, and the delivery is to come again.
 */
export async function work(delivery: Delivery, remainingMilliseconds: number): Promise<void> {
  const claimed = await claim(delivery);
  if (!claimed) {
    logger.info('delivery out of date, dropped', { ...delivery });
  } else {
    const ids = {
      exportId: claimed.exportId,
      unitId: claimed.unitId,
      attemptId: claimed.attemptId,
    };
    logger.info('attempt begins', ids);
    await attempt(claimed, remainingMilliseconds);
    logger.info('attempt ended', ids);
  }
  await dispatch();
  await relay();
}

async function attempt(claimed: Claim, remainingMilliseconds: number): Promise<void> {
  const end = performance.now() + remainingMilliseconds - reserveSeconds * 1_000;
  const progress = { rows: 0, bytes: 0 };
  const lease = new Lease(claimed, () => progress);
  lease.start();
  try {
    switch (claimed.kind) {
      case 'whole':
        await makeWhole(claimed, lease, progress, end);
        break;
      case 'piece':
        await makePiece(claimed, lease, progress, end);
        break;
      case 'finalize':
        await finalize(claimed, lease, end);
        break;
      default:
        claimed satisfies never;
    }
  } catch (error) {
    await conclude(claimed, lease.signal.aborted ? lease.signal.reason : error);
  } finally {
    await lease.stop();
  }
}

async function makeWhole(
  claimed: WholeClaim,
  lease: Lease,
  progress: Progress,
  end: number,
): Promise<void> {
  const { objectKey, etag, outcome } =
    (await findCompleted(claimed)) ??
    (await write(claimed, lease, progress, end, async (writer, piece) => {
      const made = outcomeOf(claimed, [piece], piece);
      const complete = (): Promise<string> => writer.complete();
      const madeEtag = await completeObject(claimed, writer.upload, made, lease, complete);
      return { objectKey: claimed.objectKey, etag: madeEtag, outcome: made };
    }));
  await makeReady(claimed, lease, { key: objectKey, etag }, outcome);
}

/** However an object came about, made, adopted or put together: here its proof is signed. */
async function makeReady(
  claimed: WholeClaim | FinalizeClaim,
  lease: Lease,
  object: FinishedObject,
  outcome: Outcome,
): Promise<void> {
  const manifest = await signManifest(outcome.manifest, config().signingKeys.signing);
  lease.check();
  await transaction((client) =>
    finishExport(client, claimed, object, { ...outcome, manifest }, contentTypeOf(claimed.request)),
  );
}

async function makePiece(
  claimed: PieceClaim,
  lease: Lease,
  progress: Progress,
  end: number,
): Promise<void> {
  const made = await write(claimed, lease, progress, end, async (writer, piece) => {
    lease.check();
    await completeOrFind(writer.upload, piece.bytes, () => writer.complete());
    return piece;
  });
  lease.check();
  await transaction((client) => finishPiece(client, claimed, made));
}

async function finalize(claimed: FinalizeClaim, lease: Lease, end: number): Promise<void> {
  const stop = Math.min(end, performance.now() + mostFinalizeSeconds * 1_000);
  const made = await assemble(claimed, lease, () => performance.now() < stop);
  if (!(made instanceof Yielded)) {
    const { objectKey, etag, outcome } = made;
    return makeReady(claimed, lease, { key: objectKey, etag }, outcome);
  }
  lease.check();
  await transaction((client) => yieldUnit(client, claimed, made.checkpoint));
}

/** Reads the unit into an upload of its own, and completes that, or gives it up. */
async function write<Made>(
  claimed: WholeClaim | PieceClaim,
  lease: Lease,
  progress: Progress,
  end: number,
  complete: (writer: MultipartWriter, piece: Piece) => Promise<Made>,
): Promise<Made> {
  const most = config().sources.get(claimed.source)?.maxReadSeconds ?? 0;
  const seconds = Math.max(1, Math.min(most, Math.floor((end - performance.now()) / 1_000)));
  const requireRoom = (): void =>
    requireWithin(claimed.limits, {
      rows: progress.rows + lease.elsewhere.rows,
      bytes: progress.bytes + lease.elsewhere.bytes,
    });
  requireRoom();
  const overtime = AbortSignal.timeout(seconds * 1_000);
  const signal = AbortSignal.any([lease.signal, overtime]);
  const writer = await MultipartWriter.create(
    claimed.objectKey,
    contentTypeOf(claimed.request),
    signal,
  );
  try {
    const piece = await readUnit({
      claim: claimed,
      sink: writer,
      progress,
      requireRoom,
      signal,
      statementTimeoutSeconds: seconds,
    });
    await writer.flush();
    return await complete(writer, piece);
  } catch (error) {
    await writer.abort().catch((reason: unknown) => {
      logger.warn('upload not given up, the sweep will clear it', {
        attemptId: claimed.attemptId,
        reason: messageOf(reason),
      });
    });
    if (overtime.aborted && !lease.signal.aborted)
      throw refusalOfOvertime(claimed.request, seconds, error);
    throw error;
  }
}

/** Records how an attempt ended that did not end well. */
async function conclude(claimed: Claim, error: unknown): Promise<void> {
  const ids = { exportId: claimed.exportId, attemptId: claimed.attemptId };
  if (error instanceof Fenced) {
    logger.warn('attempt fenced, it has no effect any more', ids);
    return;
  }
  try {
    await transaction(async (client) => {
      if (error instanceof Cancelled) return cancelUnit(client, claimed);
      const fault = faultOf(error, claimed.source);
      const retries = await retriesOf(client, claimed.unitId);
      logger.error('attempt failed', {
        ...ids,
        code: fault.code,
        retry: fault.retry,
        retries,
        error: forLog(error),
      });
      const { code, message } = fault;
      if (fault.retry && retries < mostRetries)
        return retryUnit(client, claimed, { code, message }, retryAfterSeconds(retries));
      const tried = fault.retry
        ? ` It was tried ${retries + 1} times. Try again in some minutes; if that does not help, tell your administrator.`
        : '';
      return failUnit(client, claimed, { code, message: `${message}${tried}` });
    });
  } catch (ending) {
    if (!(ending instanceof Fenced)) throw ending;
    logger.warn('attempt fenced, it has no effect any more', ids);
  }
}

async function retriesOf(client: Queryable, unitId: string): Promise<number> {
  const { rows } = await client.query<{ retries: number }>(
    'select retries from units where id = $1',
    [unitId],
  );
  return rows[0]?.retries ?? 0;
}
