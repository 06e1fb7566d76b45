import type { FunctionSettings } from './function-settings.ts';
import type { Instance } from './instance.ts';
import type { Log } from './log.ts';
import { backoffMs } from './retry.ts';
import { settledWithin } from './timeout.ts';

/** How long an instance beyond `keepWarm` waits for work before it ends. */
const idleTimeoutMs = 5 * 60_000;

/** An instance that ends within 2 s counts as an early end: after two in a row the next start is delayed, ever longer. */
const earlyEndMs = 2000;
const startDelays = { firstMs: 500, maxMs: 10_000 };

export interface InstanceWatcher {
  started(name: string, pid: number): void;
  ended(name: string, pid: number): void;
}

/** Returns `<key>-<n>` with the smallest n that is not in use. */
export function nextInstanceName(key: string, used: ReadonlySet<string>): string {
  let n = 0;
  while (used.has(`${key}-${n}`)) n += 1;
  return `${key}-${n}`;
}

/** The instances of one function: as many as are needed at once, and at least `keepWarm`. */
export class InstancePool {
  /** Resolves when `keepWarm` instances have loaded their handler. */
  readonly warm: Promise<void>;
  readonly #settings: FunctionSettings;
  readonly #create: (name: string) => Instance;
  readonly #watcher: InstanceWatcher;
  readonly #log: Log;
  readonly #instances = new Map<string, Instance>();
  readonly #idle: Instance[] = [];
  readonly #expiry = new Map<Instance, NodeJS.Timeout>();
  /** Instances that were idle for too long and are about to end. */
  readonly #expired = new Set<Instance>();
  readonly #setWarm: () => void;
  #loadedOnce = 0;
  #earlyEnds = 0;
  #refill: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    settings: FunctionSettings,
    create: (name: string) => Instance,
    watcher: InstanceWatcher,
    log: Log,
  ) {
    this.#settings = settings;
    this.#create = create;
    this.#watcher = watcher;
    this.#log = log;
    const warm = Promise.withResolvers<void>();
    this.warm = warm.promise;
    this.#setWarm = warm.resolve;
    if (settings.keepWarm === 0) warm.resolve();
  }

  start(): void {
    this.#keepWarm();
  }

  /** Returns an instance for exclusive use until its release: the one used last, so that the others may expire. */
  acquire(): Instance {
    const instance = this.#idle.pop() ?? this.#launch();
    clearTimeout(this.#expiry.get(instance));
    this.#expiry.delete(instance);
    return instance;
  }

  release(instance: Instance): void {
    if (!instance.alive || this.#stopped) return;
    this.#idle.push(instance);
    const expiry = setTimeout(() => {
      if (this.#instances.size - this.#expired.size <= this.#settings.keepWarm) return;
      this.#forget(instance);
      this.#expired.add(instance);
      instance.kill('idle');
    }, idleTimeoutMs);
    this.#expiry.set(instance, expiry.unref());
  }

  /** Kills every instance; resolves when all have ended, at the latest after `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#refill);
    const instances = [...this.#instances.values()];
    for (const instance of instances) instance.kill('stopping');
    await settledWithin(Promise.all(instances.map(({ ended }) => ended)), timeoutMs);
  }

  #launch(): Instance {
    const name = nextInstanceName(this.#settings.key, new Set(this.#instances.keys()));
    const instance = this.#create(name);
    this.#instances.set(name, instance);
    if (instance.pid !== undefined) this.#watcher.started(name, instance.pid);
    void this.#follow(instance);
    return instance;
  }

  async #follow(instance: Instance): Promise<void> {
    if (await instance.loaded) {
      this.#loadedOnce += 1;
      if (this.#loadedOnce >= this.#settings.keepWarm) this.#setWarm();
    }
    await instance.ended;
    this.#onEnd(instance);
  }

  #onEnd(instance: Instance): void {
    const { name, pid } = instance;
    this.#instances.delete(name);
    this.#expired.delete(instance);
    this.#forget(instance);
    if (pid !== undefined) this.#watcher.ended(name, pid);

    const early = performance.now() - instance.startedAt < earlyEndMs;
    this.#earlyEnds = early ? this.#earlyEnds + 1 : 0;
    this.#keepWarm();
  }

  /** Removes an instance from those that can be acquired. */
  #forget(instance: Instance): void {
    const position = this.#idle.indexOf(instance);
    if (position >= 0) this.#idle.splice(position, 1);
    clearTimeout(this.#expiry.get(instance));
    this.#expiry.delete(instance);
  }

  #keepWarm(): void {
    if (
      this.#stopped ||
      this.#instances.size >= this.#settings.keepWarm ||
      this.#refill !== undefined
    )
      return;
    if (this.#earlyEnds > 1) {
      const wait = backoffMs(this.#earlyEnds - 2, startDelays);
      this.#log.warning(
        `${this.#settings.key}: the last ${this.#earlyEnds} instances ended right after their start; next start in ${Math.round(wait)} ms`,
      );
      this.#refill = setTimeout(() => {
        this.#refill = undefined;
        this.#fill();
      }, wait);
    } else {
      this.#fill();
    }
  }

  #fill(): void {
    while (!this.#stopped && this.#instances.size < this.#settings.keepWarm)
      this.#idle.push(this.#launch());
  }
}
