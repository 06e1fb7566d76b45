/**
 * Watches the processes of one running stack, reports every change, and stops them in order.
 *
 * The stop controller is the only way to end a stack. A signal, a service that ends and a step that fails abort it with
 * their reason; all pending waits end, and then every service is stopped.
 */
import { sleep } from '../../lib/runtime/retry.ts';
import { StackError, StopRequestedError } from './errors.ts';
import type { ProcessEntry } from './home/stack-file.ts';
import {
  describeExit,
  type Exit,
  logTail,
  type Service,
  type ServiceSpec,
  startService,
} from './processes.ts';

/** Clients stop before the services that they call. */
const stopOrder: readonly (readonly string[])[] = [
  ['nginx', 'simulator'],
  ['functions', 'download-authorizer', 'delivery-shipper'],
  ['kafka', 'localstack'],
  ['postgres'],
];

/** How long a service that ended waits for its next start. */
const restartMs = 1_000;

export class Supervisor {
  readonly #stopping = new AbortController();
  readonly #services = new Map<string, Service>();
  /** Services whose end does not stop the stack: they are being stopped, or are on probation. */
  readonly #expectedExits = new Set<Service>();
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

  /** Only the first reason counts: later errors are its consequences. */
  readonly abort = (reason: unknown): void => this.#stopping.abort(reason);

  /** Ctrl-C arrives from the terminal and again through npm: signals after the first have no effect. */
  stopOn(signals: readonly NodeJS.Signals[]): void {
    for (const name of signals) process.on(name, () => this.abort(new StopRequestedError(name)));
    // 500 ms later, so that the end of a service that caused a broken connection is the reported reason.
    process.on('uncaughtException', (error) => setTimeout(() => this.abort(error), 500));
  }

  /** Throws the reason when the stack has to stop. */
  async untilStopped(): Promise<never> {
    this.signal.throwIfAborted();
    return await new Promise((_, stop) => {
      this.signal.addEventListener('abort', () => stop(this.signal.reason), { once: true });
    });
  }

  /** Starts a service. On probation its end does not stop the stack until it is promoted. */
  async start(
    spec: Omit<ServiceSpec, 'logs'>,
    { probation = false }: { probation?: boolean } = {},
  ): Promise<Service> {
    this.signal.throwIfAborted();
    const service = await startService({ ...spec, logs: this.#logs });
    this.#services.set(service.name, service);
    if (probation) this.#expectedExits.add(service);
    void service.exited.then((exit) => this.#ended(service, exit));
    this.onChange();
    return service;
  }

  /** Starts a service that the supervisor starts again whenever it ends, until the stack stops. */
  async keepRunning(spec: Omit<ServiceSpec, 'logs'>): Promise<void> {
    let service = await this.start(spec, { probation: true });
    const restart = async (): Promise<void> => {
      for (;;) {
        await service.exited;
        await sleep(restartMs, this.signal);
        service = await this.start(spec, { probation: true });
      }
    };
    // It throws the reason of the stop, or the error of a service that cannot be started.
    void restart().catch(this.abort);
  }

  /** Ends the probation of a service: from now on its end stops the stack. */
  promote(name: string): void {
    const service = this.#services.get(name);
    if (service === undefined) throw new StackError(`${name} ended as soon as it had started`);
    this.#expectedExits.delete(service);
  }

  /** Stops one service; the stack keeps running. */
  async stop(name: string): Promise<void> {
    const service = this.#services.get(name);
    if (service === undefined) return;
    this.#expectedExits.add(service);
    await service.stop();
  }

  #ended(service: Service, exit: Exit): void {
    if (this.#services.get(service.name) === service) this.#services.delete(service.name);
    if (service.name === 'functions') this.#workers.clear();
    if (!this.#expectedExits.delete(service)) this.abort(exitError(service, exit));
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

  /** Stops all services within their timeouts; calls `report` for each that has stopped. */
  async stopAll(report: (name: string) => void): Promise<void> {
    for (const names of stopOrder) {
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

export function exitError(service: Service, exit: Exit): StackError {
  return new StackError(
    `${service.name} ended unexpectedly (${describeExit(exit)}). The end of ${service.log}:`,
    logTail(service.log),
  );
}
