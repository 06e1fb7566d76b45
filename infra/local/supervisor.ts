/**
 * The processes of one running stack: watches them, tells of every change, and stops them in their order.
 *
 * There is one way to the end: the stop controller. A signal, a part that dies and a step that fails all abort it
 * with their reason; whatever is being waited for gives up, and then everything is stopped.
 */
import { StackError, StopRequested } from './errors.ts';
import {
  describeExit,
  type Exit,
  logTail,
  type Service,
  type ServiceSpec,
  startService,
} from './processes.ts';
import type { ProcessEntry } from './stack-file.ts';

/** From the outside in: who asks goes before who answers. */
const STOP_ORDER: readonly (readonly string[])[] = [
  ['nginx'],
  ['functions'],
  ['kafka', 'localstack'],
  ['postgres'],
];

export class Supervisor {
  readonly #stopping = new AbortController();
  readonly #services = new Map<string, Service>();
  /** Their end is not the end of the stack: they are being stopped, or have yet to prove themselves. */
  readonly #mayEnd = new Set<Service>();
  /** Children of the functions process, as it reports them. */
  readonly #workers = new Map<number, string>();
  readonly #logs: string;
  /** Called after every change of the list of processes. */
  onChange: () => void = () => {};

  constructor(logs: string) {
    this.#logs = logs;
  }

  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** The first reason counts: what fails after it fails because of it. */
  readonly abort = (reason: unknown): void => this.#stopping.abort(reason);

  /** Ctrl-C reaches us from the terminal and again through npm: all but the first change nothing. */
  stopOn(signals: readonly NodeJS.Signals[]): void {
    for (const name of signals) process.on(name, () => this.abort(new StopRequested(name)));
    // Later than the end of a part that may be its cause: a connection that broke says less than what broke it.
    process.on('uncaughtException', (error) => setTimeout(() => this.abort(error), 500));
  }

  /** → when there is a reason to stop. */
  async untilStopped(): Promise<never> {
    this.signal.throwIfAborted();
    return await new Promise((_, stop) => {
      this.signal.addEventListener('abort', () => stop(this.signal.reason), { once: true });
    });
  }

  /** onTrial: its end concerns the caller alone until it is trusted. */
  async start(
    spec: Omit<ServiceSpec, 'logs'>,
    { onTrial = false }: { onTrial?: boolean } = {},
  ): Promise<Service> {
    this.signal.throwIfAborted();
    const service = await startService({ ...spec, logs: this.#logs });
    this.#services.set(service.name, service);
    if (onTrial) this.#mayEnd.add(service);
    void service.exited.then((exit) => this.#ended(service, exit));
    this.onChange();
    return service;
  }

  /** It has started: from now on its end is the end of the stack. */
  trust(name: string): void {
    const service = this.#services.get(name);
    if (service === undefined) throw new StackError(`${name} ended as soon as it had started`);
    this.#mayEnd.delete(service);
  }

  /** Stops one part, and nothing else because of it. */
  async stop(name: string): Promise<void> {
    const service = this.#services.get(name);
    if (service === undefined) return;
    this.#mayEnd.add(service);
    await service.stop();
  }

  #ended(service: Service, exit: Exit): void {
    if (this.#services.get(service.name) === service) this.#services.delete(service.name);
    if (service.name === 'functions') this.#workers.clear();
    if (!this.#mayEnd.delete(service)) this.abort(exitError(service, exit));
    this.onChange();
  }

  workerStarted(name: string, pid: number): void {
    this.#workers.set(pid, name);
    this.onChange();
  }

  workerGone(pid: number): void {
    this.#workers.delete(pid);
    this.onChange();
  }

  processes(): ProcessEntry[] {
    return [
      { name: 'supervisor', pid: process.pid },
      ...[...this.#services.values()].map(({ name, pid }) => ({ name, pid })),
      ...[...this.#workers].map(([pid, name]) => ({ name, pid })),
    ];
  }

  /** Bounded by the deadlines of the parts. report is told of each that has stopped. */
  async stopAll(report: (name: string) => void): Promise<void> {
    for (const names of STOP_ORDER) {
      await Promise.all(
        names.map(async (name) => {
          const service = this.#services.get(name);
          if (service === undefined) return;
          await service.stop();
          report(name);
        }),
      );
    }
  }
}

export const exitError = (service: Service, exit: Exit): StackError =>
  new StackError(
    `${service.name} ended unexpectedly (${describeExit(exit)}). The end of ${service.log}:`,
    logTail(service.log),
  );
