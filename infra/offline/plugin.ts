/**
 * A Serverless plugin that adds Kafka as an event source to serverless-offline: functions with `msk` or `kafka`
 * events are invoked with records of the topic, as Lambda's event source mapping does.
 *
 * It needs `serverless offline start`. It stops before `offline:start:end`, because serverless-offline
 * ends the process in that hook.
 */
import { Kafka } from 'kafkajs';
import { registerCodecs } from './codecs.ts';
import { FailureDestinations } from './destinations.ts';
import { EventSourceMapping } from './event-source-mapping.ts';
import { stopIdlePolling } from './idle-polling.ts';
import { InstanceProcess } from './instance.ts';
import { joinRepeatedHeaders } from './joined-headers.ts';
import { kafkaConfig } from './kafka-config.ts';
import { readHeadersLinearly } from './linear-headers.ts';
import type { Log } from './log.ts';
import type { MappingSettings } from './mapping-settings.ts';
import { InstancePool } from './pool.ts';
import { parseSettings, type Settings } from './settings.ts';
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
  readonly #serviceDir: string;
  readonly #log: Log;
  readonly #supervisor = new SupervisorChannel();
  #settings: Settings | undefined;
  #pools: InstancePool[] = [];
  #mappings: EventSourceMapping[] = [];
  #destinations: FailureDestinations | undefined;
  #stopped: Promise<void> | undefined;

  constructor(serverless: Serverless, _options: unknown, { log }: { log: Log }) {
    this.#serviceDir = serverless.serviceDir;
    this.#log = log;
    this.hooks = {
      'before:offline:start': async () =>
        log.warning('offline-kafka: inactive without "start"; run "serverless offline start"'),
      // serverless-offline listens in the next hook, and would go on to do so after an error of ours.
      'before:offline:start:init': async () => {
        this.#settings = parseSettings(serverless.service, serverless.serviceDir, process.env);
      },
      'offline:start:init': async () => {
        if (this.#settings !== undefined) this.#start(this.#settings);
      },
      'before:offline:start:end': () => this.#stop(),
    };
  }

  /** Does not wait for the broker, which may start later. */
  #start(settings: Settings): void {
    this.#supervisor.watch(() => {
      this.#log.warning('offline-kafka: the parent process ended; stopping');
      void this.#stop().finally(() => process.exit(1));
    });
    stopIdlePolling();
    readHeadersLinearly();
    registerCodecs();
    joinRepeatedHeaders();
    limitWebSockets();
    const kafka = new Kafka(kafkaConfig(settings.plugin, this.#serviceDir, this.#log));
    const destinations = new FailureDestinations(kafka, settings, this.#log);

    const pools = new Map(
      settings.functions.map((each) => {
        const create = (name: string): InstanceProcess => new InstanceProcess(name, each);
        return [each.key, new InstancePool(each, create, this.#supervisor, this.#log)];
      }),
    );
    const mappingOf = (each: MappingSettings): EventSourceMapping[] => {
      const pool = pools.get(each.functionKey);
      return pool === undefined
        ? []
        : [new EventSourceMapping(kafka, each, pool, destinations, this.#log)];
    };
    this.#destinations = destinations;
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

  #stop(): Promise<void> {
    this.#stopped ??= (async () => {
      await Promise.all(this.#mappings.map((mapping) => mapping.stop(graceMs, leaveMs)));
      await Promise.all([
        ...this.#pools.map((pool) => pool.stop(killTimeoutMs)),
        this.#destinations?.stop(killTimeoutMs),
      ]);
    })();
    return this.#stopped;
  }
}
