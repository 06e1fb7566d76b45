/**
 * A Serverless plugin that adds Kafka as an event source to serverless-offline: functions with `msk`
 * events are invoked with records of the topic, as Lambda's event source mapping does.
 *
 * It needs `serverless offline start`. It stops before `offline:start:end`, because serverless-offline
 * ends the process in that hook.
 */
import { Kafka, logLevel } from 'kafkajs';
import { registerCodecs } from './codecs.ts';
import { EventSourceMapping } from './event-source-mapping.ts';
import { stopIdlePolling } from './idle-polling.ts';
import { InstanceProcess } from './instance.ts';
import { joinRepeatedHeaders } from './joined-headers.ts';
import { readHeadersLinearly } from './linear-headers.ts';
import type { Log } from './log.ts';
import { InstancePool } from './pool.ts';
import { type MappingSettings, parseSettings, type Settings } from './settings.ts';
import { SupervisorChannel } from './supervisor-channel.ts';
import { limitWebSockets } from './websocket-limits.ts';

/** Their sum has to stay below 3 s, the time limit of a stop. */
const graceMs = 1000;
const leaveMs = 1000;
const killTimeoutMs = 500;

interface Serverless {
  service: unknown;
  serviceDir: string;
}

export default class OfflineKafka {
  readonly hooks: Readonly<Record<string, () => Promise<void>>>;
  readonly #serverless: Serverless;
  readonly #log: Log;
  readonly #supervisor = new SupervisorChannel();
  #pools: InstancePool[] = [];
  #mappings: EventSourceMapping[] = [];
  #stopped: Promise<void> | undefined;

  constructor(serverless: Serverless, _options: unknown, { log }: { log: Log }) {
    this.#serverless = serverless;
    this.#log = log;
    this.hooks = {
      'before:offline:start': async () =>
        log.warning('offline-kafka: inactive without "start"; run "serverless offline start"'),
      'offline:start:init': async () => this.#start(),
      'before:offline:start:end': () => this.#stop(),
    };
  }

  /** Does not wait for the broker, which may start later. */
  #start(): void {
    const settings = parseSettings(this.#serverless.service, this.#serverless.serviceDir);
    this.#supervisor.watch(() => {
      this.#log.warning('offline-kafka: the parent process ended; stopping');
      void this.#stop().finally(() => process.exit(1));
    });
    stopIdlePolling();
    readHeadersLinearly();
    registerCodecs();
    joinRepeatedHeaders();
    limitWebSockets();
    const kafka = this.#client(settings);

    const pools = new Map(
      settings.functions.map((each) => {
        const create = (name: string): InstanceProcess => new InstanceProcess(name, each);
        return [each.key, new InstancePool(each, create, this.#supervisor, this.#log)];
      }),
    );
    const mappingOf = (each: MappingSettings): EventSourceMapping[] => {
      const pool = pools.get(each.functionKey);
      return pool === undefined ? [] : [new EventSourceMapping(kafka, each, pool, this.#log)];
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
      // About 40 s. A consumer that survives a restart of the broker stays a member and goes on at once; a new one
      // waits for the end of the former session, which the broker counts from its own start.
      retry: { initialRetryTime: 200, maxRetryTime: 1000, retries: 40 },
      logLevel: logLevel.WARN,
      // Errors that matter also arrive as failures of a consumer or a commit.
      logCreator:
        () =>
        ({ namespace, log }) =>
          this.#log.info(`kafkajs ${namespace}: ${log.message}`),
    });
  }

  #stop(): Promise<void> {
    this.#stopped ??= (async () => {
      await Promise.all(this.#mappings.map((mapping) => mapping.stop(graceMs, leaveMs)));
      await Promise.all(this.#pools.map((pool) => pool.stop(killTimeoutMs)));
    })();
    return this.#stopped;
  }
}
