import { setTimeout } from 'node:timers/promises';
import { dailyDefaults, findPassedQuota, hasDailyQuota } from '../exports/quotas.ts';
import { mayStillRead, rightWithdrawn } from '../exports/rights.ts';
import { catalogue } from '../runtime/catalogue.ts';
import { AppError, errorMessage } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import type { Claim, Progress } from './claim-types.ts';

/** An attempt holds its unit this long after its last heartbeat, by the clock of the database. */
export const leaseSeconds = 20;
const heartbeatMs = 2_000;
/** A worker assumes that it was replaced this long after its last successful heartbeat, by its own clock. */
const selfFenceAfterMs = (leaseSeconds - 5) * 1_000;

/** Another attempt holds the unit, or may hold it: this attempt must have no further effect. */
export class FencedError extends Error {
  constructor() {
    super('another attempt holds this unit');
    this.name = 'FencedError';
  }
}

/** The owner cancelled the export, or another of its units failed. */
export class CancelledError extends Error {
  constructor() {
    super('the export was cancelled');
    this.name = 'CancelledError';
  }
}

/**
 * Keeps the lease of an attempt. One statement every two seconds extends the lease, reports progress, and learns of
 * cancellation, withdrawn rights, a quota that is used up, and fencing. The reason of the abort signal is `FencedError`,
 * `CancelledError`, or a `forbidden` or `over_limit` error.
 */
export class Lease {
  readonly #attemptId: string;
  readonly #progress: () => Progress;
  readonly #abort = new AbortController();
  readonly #stop = new AbortController();
  #lastSuccessAt = performance.now();
  #heartbeats: Promise<void> = Promise.resolve();

  /** Progress of the other units of the run at the last heartbeat. */
  otherUnits: Progress;

  constructor(claim: Pick<Claim, 'attemptId' | 'otherUnits'>, progress: () => Progress) {
    this.#attemptId = claim.attemptId;
    this.otherUnits = claim.otherUnits;
    this.#progress = progress;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  start(): void {
    this.#heartbeats = this.#heartbeatLoop();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#heartbeats;
  }

  /** Throws the error that ended the lease. Call it right before every effect outside the catalogue. */
  check(): void {
    this.#abort.signal.throwIfAborted();
    if (performance.now() - this.#lastSuccessAt > selfFenceAfterMs) throw new FencedError();
  }

  async #heartbeatLoop(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        await setTimeout(heartbeatMs, undefined, { signal: this.#stop.signal });
      } catch {
        return;
      }
      await this.#heartbeat();
    }
  }

  async #heartbeat(): Promise<void> {
    const sentAt = performance.now();
    const { rows, bytes } = this.#progress();
    try {
      const { rows: units } = await catalogue().query<{
        cancel: boolean;
        permitted: boolean;
        other_units: Progress;
        export_id: string;
        owner_id: string;
        has_quota: boolean;
      }>(heartbeatSql, [this.#attemptId, rows, bytes, ...dailyDefaults()]);
      const [unit] = units;
      if (!unit) this.#abort.abort(new FencedError());
      else if (unit.cancel) this.#abort.abort(new CancelledError());
      else if (!unit.permitted)
        this.#abort.abort(new AppError(rightWithdrawn.code, rightWithdrawn.message));
      else {
        this.#lastSuccessAt = sentAt;
        this.otherUnits = unit.other_units;
        const passed = unit.has_quota
          ? await findPassedQuota(catalogue(), unit.owner_id, unit.export_id)
          : null;
        if (passed) this.#abort.abort(passed);
      }
    } catch (error) {
      logger.warn('heartbeat failed', {
        attemptId: this.#attemptId,
        reason: errorMessage(error),
      });
      if (performance.now() - this.#lastSuccessAt > selfFenceAfterMs)
        this.#abort.abort(new FencedError());
    }
  }
}

/** Progress of the other units of the run of `u`, without lost attempts, which start again from 0. */
export const progressOfOtherUnits = `(
  select json_build_object('rows', coalesce(sum(o.rows), 0), 'bytes', coalesce(sum(o.bytes), 0))
  from units o where o.export_id = u.export_id and o.run = u.run and o.kind = 'read'
    and o.id <> u.id and o.state in ('running', 'done'))`;

/** Locks only the unit: transactions that end a unit lock its export first, so locking both here could deadlock. */
const heartbeatSql = `
  update units u set lease_until = now() + interval '${leaseSeconds} seconds', rows = $2, bytes = $3
  from exports e join accounts a on a.id = e.owner_id
  where u.attempt_id = $1 and u.state = 'running' and e.id = u.export_id
  returning e.cancel_requested_at is not null or e.state in ('failed', 'cancelled') as cancel,
    ${mayStillRead} as permitted, ${progressOfOtherUnits} as other_units,
    e.id as export_id, e.owner_id, ${hasDailyQuota('$4', '$5')} as has_quota`;
