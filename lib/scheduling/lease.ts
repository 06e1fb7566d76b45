import { setTimeout } from 'node:timers/promises';
import { mayStillRead, rightWithdrawn } from '../exports/rights.ts';
import { catalogue } from '../runtime/catalogue.ts';
import { messageOf, Refusal } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import type { Claim, Progress } from './attempt.ts';

/** How long an attempt holds its unit without a heartbeat, by the database's clock. */
export const leaseSeconds = 20;
const heartbeatMilliseconds = 2_000;
/** Without a heartbeat through for this long, by our own clock, we must assume we are replaced. */
const safeMilliseconds = (leaseSeconds - 5) * 1_000;

/** Another attempt holds the unit, or may: this one must not have any effect any more. */
export class Fenced extends Error {
  constructor() {
    super('another attempt holds this unit');
    this.name = 'Fenced';
  }
}

/** The owner wants the export stopped, or another of its units has failed. */
export class Cancelled extends Error {
  constructor() {
    super('the export was cancelled');
    this.name = 'Cancelled';
  }
}

/**
 * One heartbeat is lease, progress, cancel, rights and fence: one statement every two seconds. Its abort signal
 * fires with `Fenced`, `Cancelled` or the refusal of a right that was withdrawn as the reason.
 */
export class Lease {
  readonly #attemptId: string;
  readonly #progress: () => Progress;
  readonly #abort = new AbortController();
  readonly #stop = new AbortController();
  #lastThrough = performance.now();
  #beating: Promise<void> = Promise.resolve();

  /** What the other units of the run have written, as of the last heartbeat. */
  elsewhere: Progress;

  constructor(claim: Pick<Claim, 'attemptId' | 'elsewhere'>, progress: () => Progress) {
    this.#attemptId = claim.attemptId;
    this.elsewhere = claim.elsewhere;
    this.#progress = progress;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  start(): void {
    this.#beating = this.#beat();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#beating;
  }

  /** To be called right before an effect outside the catalogue. Throws what ended the lease. */
  check(): void {
    this.#abort.signal.throwIfAborted();
    if (performance.now() - this.#lastThrough > safeMilliseconds) throw new Fenced();
  }

  async #beat(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        await setTimeout(heartbeatMilliseconds, undefined, { signal: this.#stop.signal });
      } catch {
        return;
      }
      await this.#heartbeat();
    }
  }

  async #heartbeat(): Promise<void> {
    const sent = performance.now();
    const { rows, bytes } = this.#progress();
    try {
      const answer = await catalogue().query<{
        cancel: boolean;
        permitted: boolean;
        elsewhere: Progress;
      }>(heartbeat, [this.#attemptId, rows, bytes]);
      const [held] = answer.rows;
      if (!held) this.#abort.abort(new Fenced());
      else if (held.cancel) this.#abort.abort(new Cancelled());
      else if (!held.permitted)
        this.#abort.abort(new Refusal(rightWithdrawn.code, rightWithdrawn.message));
      else {
        this.#lastThrough = sent;
        this.elsewhere = held.elsewhere;
      }
    } catch (error) {
      logger.warn('heartbeat did not get through', {
        attemptId: this.#attemptId,
        reason: messageOf(error),
      });
      if (performance.now() - this.#lastThrough > safeMilliseconds) this.#abort.abort(new Fenced());
    }
  }
}

/**
 * Of the other units of the run of `u`. What an attempt had written that was lost is not counted: another
 * begins anew.
 */
export const writtenElsewhere = `(
  select json_build_object('rows', coalesce(sum(o.rows), 0), 'bytes', coalesce(sum(o.bytes), 0))
  from units o where o.export_id = u.export_id and o.run = u.run and o.kind = 'read'
    and o.id <> u.id and o.state in ('running', 'done'))`;

/** Locks the unit alone: whoever ends a unit locks its export first, and the two must not cross. */
const heartbeat = `
  update units u set lease_until = now() + interval '${leaseSeconds} seconds', rows = $2, bytes = $3
  from exports e join accounts a on a.id = e.owner_id
  where u.attempt_id = $1 and u.state = 'running' and e.id = u.export_id
  returning e.cancel_requested_at is not null or e.state in ('failed', 'cancelled') as cancel,
    ${mayStillRead} as permitted, ${writtenElsewhere} as elsewhere`;
