import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { MskEvent } from './event.ts';
import { InstanceReport, type Invocation } from './messages.ts';
import type { FunctionSettings } from './settings.ts';

export type Outcome =
  | { readonly done: true }
  /** `unloaded`: not even the handler could be loaded, so that another process would not fare better at once. */
  | { readonly done: false; readonly reason: string; readonly unloaded?: true };

/** One instance of a function. It runs one invocation at a time. */
export interface Instance {
  readonly name: string;
  readonly pid: number | undefined;
  /** By `performance.now()`. */
  readonly startedAt: number;
  readonly alive: boolean;
  /** Whether its handler came to be loaded; false if it ended before. */
  readonly loaded: Promise<boolean>;
  readonly ended: Promise<void>;
  /** Never rejects: a handler that throws, runs too long, or whose process ends is an outcome. */
  invoke(event: MskEvent): Promise<Outcome>;
  kill(reason: string): void;
}

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));

/** Lambda's limit on initialisation, on top of the function's own timeout, as for a start repeated by an invocation. */
const INIT_MS = 10_000;

const logStreamName = (): string =>
  `${new Date().toISOString().slice(0, 10).replaceAll('-', '/')}/[$LATEST]${randomUUID().replaceAll('-', '')}`;

/**
 * An instance in a process of its own. An outcome other than the handler's own is only given once
 * the process is gone, so that a repeated invocation never overlaps the one it repeats.
 */
export class InstanceProcess implements Instance {
  readonly name: string;
  readonly startedAt = performance.now();
  readonly loaded: Promise<boolean>;
  readonly ended: Promise<void>;
  readonly #settings: FunctionSettings;
  readonly #process: ChildProcess;
  #alive = true;
  #endReason = '';
  #settle: ((outcome: Outcome) => void) | undefined;
  #requestId: string | undefined;

  constructor(name: string, settings: FunctionSettings) {
    this.name = name;
    this.#settings = settings;
    const loaded = Promise.withResolvers<boolean>();
    const ended = Promise.withResolvers<void>();
    this.loaded = loaded.promise;
    this.ended = ended.promise;

    this.#process = fork(CHILD, [], {
      cwd: settings.taskRoot,
      env: { ...process.env, ...settings.environment, AWS_LAMBDA_LOG_STREAM_NAME: logStreamName() },
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });

    const initLimit = setTimeout(
      () => this.kill('initialisation timed out'),
      INIT_MS + settings.timeoutMs,
    );
    const onEnd = (reason: string): void => {
      if (!this.#alive) return;
      this.#alive = false;
      clearTimeout(initLimit);
      loaded.resolve(false);
      this.#endReason ||= reason;
      this.#finish({ done: false, reason: this.#endReason });
      ended.resolve();
    };
    this.#process.on('message', (message) => {
      // The handler may send what it likes on the channel; it is nobody's business here.
      const report = InstanceReport.safeParse(message).data;
      if (report === undefined) return;
      if (report.type === 'loaded') {
        clearTimeout(initLimit);
        loaded.resolve(true);
      } else if (report.requestId === this.#requestId) {
        this.#finish(
          report.type === 'done' ? { done: true } : { done: false, reason: report.reason },
        );
      }
    });
    this.#process.once('exit', (code, signal) =>
      onEnd(signal === null ? `exited with ${code}` : `ended by ${signal}`),
    );
    // Without a pid it could not be started and will not exit; other errors are of its channel, and its end follows.
    this.#process.on('error', (error) => {
      if (this.#process.pid === undefined) onEnd(error.message);
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get alive(): boolean {
    return this.#alive;
  }

  async invoke(event: MskEvent): Promise<Outcome> {
    if (!(await this.loaded))
      return {
        done: false,
        reason: `${this.#endReason}, before its handler was loaded`,
        unloaded: true,
      };
    if (!this.#alive) return { done: false, reason: this.#endReason };

    const { timeoutMs, arn } = this.#settings;
    const requestId = randomUUID();
    const outcome = Promise.withResolvers<Outcome>();
    this.#requestId = requestId;
    this.#settle = outcome.resolve;
    const invocation: Invocation = {
      type: 'invoke',
      requestId,
      invokedFunctionArn: arn,
      deadline: Date.now() + timeoutMs,
      event,
    };
    // A failure to send means that the process is ending, which gives the outcome.
    this.#process.send(invocation, () => {});
    const limit = setTimeout(
      () => this.kill(`${requestId} Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`),
      timeoutMs,
    );
    try {
      return await outcome.promise;
    } finally {
      clearTimeout(limit);
    }
  }

  kill(reason: string): void {
    this.#endReason ||= reason;
    this.#process.kill('SIGKILL');
  }

  #finish(outcome: Outcome): void {
    this.#settle?.(outcome);
    this.#settle = undefined;
    this.#requestId = undefined;
  }
}
