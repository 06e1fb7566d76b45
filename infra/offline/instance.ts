import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { extname, join } from 'node:path';
import type { KafkaEvent } from './event.ts';
import type { FunctionSettings } from './function-settings.ts';
import { type Invocation, instanceReportSchema } from './ipc-protocol.ts';
import { heapOptions, watchMemory } from './memory-limit.ts';

export type InvocationResult =
  /** `response` is what the handler returned, undefined for what has no JSON. */
  | { done: true; response?: unknown }
  /** `unloaded`: the handler could not be loaded, so another process would fail as well. */
  | { done: false; reason: string; unloaded?: true };

/** An instance of a function. It runs one invocation at a time. */
export interface Instance {
  name: string;
  pid: number | undefined;
  /** By `performance.now()`. */
  startedAt: number;
  alive: boolean;
  /** Resolves to true when the handler is loaded, to false if the instance ended before. */
  loaded: Promise<boolean>;
  ended: Promise<void>;
  /** Never rejects: an error, a timeout or the end of the process is a result. */
  invoke(event: KafkaEvent, requestId?: string): Promise<InvocationResult>;
  kill(reason: string): void;
}

/** Next to this module: its source in this directory, or the compiled one in the package. */
const runtimePath = join(import.meta.dirname, `function-runtime${extname(import.meta.filename)}`);

/** Lambda's limit on initialisation, added to the function's timeout as for an initialisation during an invocation. */
const initTimeoutMs = 10_000;

function logStreamName(): string {
  return `${new Date().toISOString().slice(0, 10).replaceAll('-', '/')}/[$LATEST]${randomUUID().replaceAll('-', '')}`;
}

/**
 * An instance in its own process. A result that the handler did not report itself resolves only after
 * the process has ended, so a repeated invocation never overlaps the one it repeats.
 */
export class InstanceProcess implements Instance {
  readonly name: string;
  readonly startedAt = performance.now();
  readonly loaded: Promise<boolean>;
  readonly ended: Promise<void>;
  readonly #settings: FunctionSettings;
  readonly #process: ChildProcess;
  readonly #inspectPort: number | undefined;
  #alive = true;
  #endReason = '';
  #settle: ((result: InvocationResult) => void) | undefined;
  #requestId: string | undefined;

  constructor(name: string, settings: FunctionSettings) {
    this.name = name;
    this.#settings = settings;
    const loaded = Promise.withResolvers<boolean>();
    const ended = Promise.withResolvers<void>();
    this.loaded = loaded.promise;
    this.ended = ended.promise;

    // The first instance has the port; others may run at the same time.
    this.#inspectPort = name === `${settings.key}-0` ? settings.inspectPort : undefined;
    this.#process = fork(runtimePath, [], {
      cwd: settings.taskRoot,
      env: { ...settings.environment, AWS_LAMBDA_LOG_STREAM_NAME: logStreamName() },
      execArgv: [
        ...heapOptions(settings.memoryMb),
        ...(this.#inspectPort === undefined ? [] : [`--inspect=127.0.0.1:${this.#inspectPort}`]),
      ],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });

    const endInitLimit = this.#limit(
      initTimeoutMs + settings.timeoutMs,
      'initialisation timed out',
    );
    const endMemoryLimit =
      this.#process.pid === undefined
        ? () => {}
        : watchMemory(this.#process.pid, settings.memoryMb, (usedMb) =>
            this.kill(
              `Runtime.ExitError: signal: killed; used ${usedMb} MB of ${settings.memoryMb} MB of memory`,
            ),
          );
    const onEnd = (reason: string): void => {
      if (!this.#alive) return;
      this.#alive = false;
      endInitLimit();
      endMemoryLimit();
      loaded.resolve(false);
      this.#endReason ||= reason;
      this.#finish({ done: false, reason: this.#endReason });
      ended.resolve();
    };
    this.#process.on('message', (message) => {
      // The handler may send other messages on the channel; they are ignored.
      const report = instanceReportSchema.safeParse(message).data;
      if (report === undefined) return;
      if (report.type === 'loaded') {
        endInitLimit();
        loaded.resolve(true);
        this.#freeze();
      } else if (report.requestId === this.#requestId) {
        this.#finish(
          report.type === 'done'
            ? { done: true, response: report.response }
            : { done: false, reason: report.reason },
        );
        this.#freeze();
      }
    });
    this.#process.once('exit', (code, signal) =>
      onEnd(signal === null ? `exited with ${code}` : `ended by ${signal}`),
    );
    // Without a pid the process was not started and will not exit; other errors are of its channel, before its exit.
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

  async invoke(event: KafkaEvent, requestId = randomUUID()): Promise<InvocationResult> {
    if (!(await this.loaded))
      return {
        done: false,
        reason: `${this.#endReason} before the handler was loaded`,
        unloaded: true,
      };
    if (!this.#alive) return { done: false, reason: this.#endReason };

    const { timeoutMs, arn } = this.#settings;
    const result = Promise.withResolvers<InvocationResult>();
    this.#requestId = requestId;
    this.#settle = result.resolve;
    const invocation: Invocation = {
      type: 'invoke',
      requestId,
      invokedFunctionArn: arn,
      deadline: Date.now() + timeoutMs,
      event,
    };
    if (this.#settings.freezes) this.#process.kill('SIGCONT');
    // If sending fails, the process is ending, and its exit sets the result.
    this.#process.send(invocation, () => {});
    const endLimit = this.#limit(
      timeoutMs,
      `${requestId} Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`,
    );
    try {
      return await result.promise;
    } finally {
      endLimit();
    }
  }

  kill(reason: string): void {
    this.#endReason ||= reason;
    this.#process.kill('SIGKILL');
  }

  /** Kills the process after a time, but not one that a debugger may stop. Returns what lifts the limit. */
  #limit(milliseconds: number, reason: string): () => void {
    if (this.#inspectPort !== undefined) return () => {};
    const timer = setTimeout(() => this.kill(reason), milliseconds);
    return () => clearTimeout(timer);
  }

  /** Stops the process until its next invocation: what it has not awaited does not go on. */
  #freeze(): void {
    if (this.#settings.freezes && this.#inspectPort === undefined) this.#process.kill('SIGSTOP');
  }

  #finish(result: InvocationResult): void {
    this.#settle?.(result);
    this.#settle = undefined;
    this.#requestId = undefined;
  }
}
