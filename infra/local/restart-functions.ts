/**
 * Starts the functions of a running stack anew, with the code as it is now, when SIGUSR2 asks for it
 * (`npm run dev`). New code that does not start is no end of the stack: the functions stay away until the next try.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, StackError } from './errors.ts';
import { replaceFile } from './files.ts';
import type { StartContext } from './parts/context.ts';
import { type FunctionsEvents, startFunctions, sweepOnce } from './parts/functions.ts';
import { logTail } from './processes.ts';
import { exitError, type Supervisor } from './supervisor.ts';

const PART = 'functions';

const outcomeSchema = z.object({
  /** Milliseconds since 1970: an asker tells by it whether its own restart is meant. */
  begun: z.number(),
  seconds: z.number(),
  error: z.object({ message: z.string(), details: z.array(z.string()) }).optional(),
});
type Outcome = z.infer<typeof outcomeSchema>;

const outcomeFile = (logs: string): string => join(logs, 'functions-restart.json');

/** How the last restart ended, if it began at this time or later. */
export function restartOutcome(logs: string, since: number): Outcome | undefined {
  try {
    const outcome = outcomeSchema.parse(JSON.parse(readFileSync(outcomeFile(logs), 'utf8')));
    return outcome.begun >= since ? outcome : undefined;
  } catch {
    return undefined; // none yet
  }
}

export class FunctionsRestart {
  readonly #supervisor: Supervisor;
  #start: (() => Promise<void>) | undefined;
  #asked = false;
  #running: Promise<void> | undefined;
  #logs = '';
  #report: StartContext['report'] = () => {};

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
    // From the first moment: without a listener the signal ends the process.
    process.on('SIGUSR2', () => this.#ask());
  }

  /** From here on there is something to start anew. */
  enable(
    application: Record<string, string>,
    events: FunctionsEvents,
    context: StartContext,
  ): void {
    this.#logs = context.home.logs;
    this.#report = context.report;
    this.#start = () => this.#onTrial(application, events, context);
  }

  /** → when no restart is under way. */
  async settled(): Promise<void> {
    await this.#running;
  }

  #ask(): void {
    if (this.#start === undefined) return;
    this.#asked = true;
    this.#running ??= this.#run(this.#start).finally(() => {
      this.#running = undefined;
    });
  }

  /** What is asked for during a restart is one more: the code may have changed since it was read. */
  async #run(start: () => Promise<void>): Promise<void> {
    while (this.#asked && !this.#supervisor.signal.aborted) {
      this.#asked = false;
      const begun = Date.now();
      let error: Outcome['error'];
      try {
        await this.#supervisor.stop(PART);
        await start();
      } catch (reason) {
        if (this.#supervisor.signal.aborted) return;
        error = {
          message: messageOf(reason),
          details: reason instanceof StackError ? [...reason.details] : [],
        };
        await this.#supervisor.stop(PART);
      }
      const seconds = (Date.now() - begun) / 1000;
      this.#report(
        PART,
        error ? `not restarted: ${error.message}` : `restarted (${seconds.toFixed(1)} s)`,
      );
      const outcome: Outcome = { begun, seconds, ...(error && { error }) };
      replaceFile(outcomeFile(this.#logs), `${JSON.stringify(outcome)}\n`);
    }
  }

  async #onTrial(
    application: Record<string, string>,
    events: FunctionsEvents,
    context: StartContext,
  ): Promise<void> {
    const trial = new AbortController();
    const log = join(context.home.logs, `${PART}.log`);
    const tried: StartContext = {
      ...context,
      signal: AbortSignal.any([context.signal, trial.signal]),
      start: async (spec) => {
        const service = await this.#supervisor.start(spec, { onTrial: true });
        void service.exited.then((exit) => trial.abort(exitError(service, exit)));
        return service;
      },
    };
    const watched: FunctionsEvents = {
      started: events.started,
      gone: (pid) => {
        events.gone(pid);
        // Kept warm by their pool: before they are ready they end only when their code does not load.
        trial.abort(new StackError('a worker ended as soon as it started. The log:', logTail(log)));
      },
    };
    const { consumersReady } = await startFunctions(application, watched, tried);
    await consumersReady();
    await sweepOnce(tried);
    this.#supervisor.trust(PART);
  }
}
