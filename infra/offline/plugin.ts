/**
 * A Serverless plugin that gives serverless-offline Kafka as an event source: functions with `msk`
 * events are invoked with records of the topic, as Lambda's event source mapping would.
 *
 * It works under `serverless offline start`. It hooks in before `offline:start:end`, since
 * serverless-offline ends the process in that very hook.
 */
import { Kafka, logLevel } from 'kafkajs';
import { stopIdlePolling } from '../../lib/messaging/request-queue.ts';
import { registerCodecs } from './codecs.ts';
import { InstanceProcess } from './instance.ts';
import { joinRepeatedHeaders } from './joined-headers.ts';
import { readHeadersLinearly } from './linear-headers.ts';
import type { Log } from './log.ts';
import { Mapping } from './mapping.ts';
import { InstancePool } from './pool.ts';
import { type MappingSettings, parseSettings, type Settings } from './settings.ts';
import { Supervisor } from './supervisor.ts';

/** Together under the 3 s in which everything must have ended. */
const GRACE_MS = 1000;
const LEAVE_MS = 1000;
const KILL_MS = 500;

interface Serverless {
  readonly service: unknown;
  readonly serviceDir: string;
}

export default class OfflineKafka {
  readonly hooks: Readonly<Record<string, () => Promise<void>>>;
  readonly #serverless: Serverless;
  readonly #log: Log;
  readonly #supervisor = new Supervisor();
  #pools: InstancePool[] = [];
  #mappings: Mapping[] = [];
  #stopped: Promise<void> | undefined;

  constructor(serverless: Serverless, _options: unknown, { log }: { log: Log }) {
    this.#serverless = serverless;
    this.#log = log;
    this.hooks = {
      'before:offline:start': async () =>
        log.warning('offline-kafka: does nothing here, run "serverless offline start"'),
      'offline:start:init': async () => this.#start(),
      'before:offline:start:end': () => this.#stop(),
    };
  }

  /** Does not wait for the broker: it may come later. */
  #start(): void {
    const settings = parseSettings(this.#serverless.service, this.#serverless.serviceDir);
    this.#supervisor.watch(() => {
      this.#log.warning('offline-kafka: the process that started this one is gone; stopping');
      void this.#stop().finally(() => process.exit(1));
    });
    stopIdlePolling();
    readHeadersLinearly();
    registerCodecs();
    joinRepeatedHeaders();
    const kafka = this.#client(settings);

    const pools = new Map(
      settings.functions.map((each) => {
        const create = (name: string): InstanceProcess => new InstanceProcess(name, each);
        return [each.key, new InstancePool(each, create, this.#supervisor, this.#log)];
      }),
    );
    const mappingOf = (each: MappingSettings): Mapping[] => {
      const pool = pools.get(each.functionKey);
      return pool === undefined ? [] : [new Mapping(kafka, each, pool, this.#log)];
    };
    this.#pools = [...pools.values()];
    this.#mappings = settings.mappings.flatMap(mappingOf);
    for (const pool of this.#pools) pool.start();
    for (const mapping of this.#mappings) mapping.start();

    void this.#announceReady();
  }

  async #announceReady(): Promise<void> {
    await Promise.all([
      ...this.#mappings.map(({ ready }) => ready),
      ...this.#pools.map(({ warm }) => warm),
    ]);
    this.#log.notice(`offline-kafka: ${this.#mappings.length} consumers ready`);
    this.#supervisor.consumersReady();
  }

  #client({ brokers }: Settings): Kafka {
    return new Kafka({
      clientId: 'offline-kafka',
      brokers: [...brokers],
      requestTimeout: 10_000,
      // About 40 s: a consumer that sits out a restart of the broker stays the member it is and goes on at once; a
      // new one waits until the session of the former is over, which the broker counts from its own start.
      retry: { initialRetryTime: 200, maxRetryTime: 1000, retries: 40 },
      logLevel: logLevel.WARN,
      // What matters of these comes as the failure of a consumer or a commit, too.
      logCreator:
        () =>
        ({ namespace, log }) =>
          this.#log.info(`kafkajs ${namespace}: ${log.message}`),
    });
  }

  #stop(): Promise<void> {
    this.#stopped ??= (async () => {
      await Promise.all(this.#mappings.map((mapping) => mapping.stop(GRACE_MS, LEAVE_MS)));
      await Promise.all(this.#pools.map((pool) => pool.stop(KILL_MS)));
    })();
    return this.#stopped;
  }
}
