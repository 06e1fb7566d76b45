/**
 * Restarts the functions of a running stack with the current code on SIGUSR2 (`npm run dev`). If the new code fails to
 * start, the rest of the stack keeps running, without functions until the next restart.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { errorMessage } from '../../lib/runtime/errors.ts';
import { StackError } from './errors.ts';
import { writeFileAtomic } from './home/atomic-file.ts';
import { logTail } from './processes.ts';
import { authorizerName } from './services/authorizer.ts';
import { type FunctionsEvents, startFunctions, sweepOnce } from './services/functions.ts';
import type { StartContext } from './services/start-context.ts';
import { exitError, type Supervisor } from './supervisor.ts';

const serviceName = 'functions';

const restartResultSchema = z.object({
  /** Milliseconds since 1970: `npm run dev` recognises the result of its own restart by it. */
  startedAt: z.number(),
  seconds: z.number(),
  error: z.object({ message: z.string(), details: z.array(z.string()) }).optional(),
});
type RestartResult = z.infer<typeof restartResultSchema>;

const resultFile = (logs: string): string => join(logs, 'functions-restart.json');

/** Returns the result of the last restart if it started at `since` (milliseconds since 1970) or later. */
export function readRestartResult(logs: string, since: number): RestartResult | undefined {
  try {
    const result = restartResultSchema.parse(JSON.parse(readFileSync(resultFile(logs), 'utf8')));
    return result.startedAt >= since ? result : undefined;
  } catch {
    return undefined; // no result yet
  }
}

export class FunctionsRestart {
  readonly #supervisor: Supervisor;
  #start: (() => Promise<void>) | undefined;
  #requested = false;
  #running: Promise<void> | undefined;
  #logs = '';
  #report: StartContext['report'] = () => {};

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
    // From the start of the process: without a listener the signal would end it.
    process.on('SIGUSR2', () => this.#request());
  }

  /** Call it when the functions have started: earlier requests are ignored. */
  enable(
    application: Record<string, string>,
    events: FunctionsEvents,
    context: StartContext,
  ): void {
    this.#logs = context.home.logs;
    this.#report = context.report;
    this.#start = () => this.#startOnProbation(application, events, context);
  }

  /** Resolves when no restart is in progress. */
  async settled(): Promise<void> {
    await this.#running;
  }

  #request(): void {
    if (this.#start === undefined) return;
    this.#requested = true;
    this.#running ??= this.#run(this.#start).finally(() => {
      this.#running = undefined;
    });
  }

  /** A request during a restart starts another one: the code may have changed after it was loaded. */
  async #run(start: () => Promise<void>): Promise<void> {
    while (this.#requested && !this.#supervisor.signal.aborted) {
      this.#requested = false;
      const startedAt = Date.now();
      let error: RestartResult['error'];
      try {
        await this.#supervisor.stop(serviceName);
        // Started again by itself.
        await this.#supervisor.stop(authorizerName);
        await start();
      } catch (reason) {
        if (this.#supervisor.signal.aborted) return;
        error = {
          message: errorMessage(reason),
          details: reason instanceof StackError ? [...reason.details] : [],
        };
        await this.#supervisor.stop(serviceName);
      }
      const seconds = (Date.now() - startedAt) / 1000;
      this.#report(
        serviceName,
        error ? `not restarted: ${error.message}` : `restarted (${seconds.toFixed(1)} s)`,
      );
      const result: RestartResult = { startedAt, seconds, ...(error && { error }) };
      writeFileAtomic(resultFile(this.#logs), `${JSON.stringify(result)}\n`);
    }
  }

  async #startOnProbation(
    application: Record<string, string>,
    events: FunctionsEvents,
    context: StartContext,
  ): Promise<void> {
    const probation = new AbortController();
    const log = join(context.home.logs, `${serviceName}.log`);
    const probationContext: StartContext = {
      ...context,
      signal: AbortSignal.any([context.signal, probation.signal]),
      start: async (spec) => {
        const service = await this.#supervisor.start(spec, { probation: true });
        void service.exited.then((exit) => probation.abort(exitError(service, exit)));
        return service;
      },
    };
    const probationEvents: FunctionsEvents = {
      started: events.started,
      gone: (pid) => {
        events.gone(pid);
        // The pool keeps these workers warm: before they are ready, they end only if their code does not load.
        probation.abort(
          new StackError('a worker ended as soon as it started. The log:', logTail(log)),
        );
      },
    };
    const { consumersReady } = await startFunctions(application, probationEvents, probationContext);
    await consumersReady();
    await sweepOnce(probationContext);
    this.#supervisor.promote(serviceName);
  }
}
