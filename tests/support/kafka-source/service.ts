import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { repoRoot } from '../../../infra/local/home/home.ts';
import {
  type EventSettings,
  kafkaSchema,
  logicalIdOf,
  mskSchema,
} from '../../../infra/offline/mapping-settings.ts';
import { produce } from '../events.ts';
import { OfflineService } from '../offline-service.ts';
import { stack } from '../stack.ts';
import { createTopic, deleteTopics, withAdmin } from '../topic.ts';

/** Settings of an event, without which AWS has no error controls for it. */
export const provisioned = { provisionedPollerConfig: { minimumPollers: 1, maximumPollers: 1 } };

const arn = 'arn:aws:kafka:us-east-1:000000000000:cluster/test/1';

const eventSchema = z.object({
  eventSource: z.string(),
  eventSourceArn: z.string().optional(),
  bootstrapServers: z.string(),
  requestId: z.string(),
  records: z.array(
    z.object({ partition: z.number(), offset: z.number(), text: z.string().nullable() }),
  ),
});
type SeenEvent = z.output<typeof eventSchema>;

interface TestFunction {
  /** Of the topic; 1 if absent. */
  partitions?: number;
  /** Of the `msk` event, or of the `kafka` event with `isSelfManaged`. */
  event?: object;
  isSelfManaged?: boolean;
  /** What `resources.extensions` has for the mapping. */
  properties?: object;
  environment?: Record<string, string>;
}

/** A service of functions that write their events to files. Each has a topic of its own. */
export class KafkaSourceService implements AsyncDisposable {
  readonly process: OfflineService;
  readonly #directory: string;
  readonly #topics: ReadonlyMap<string, string>;

  private constructor(
    process: OfflineService,
    directory: string,
    topics: ReadonlyMap<string, string>,
  ) {
    this.process = process;
    this.#directory = directory;
    this.#topics = topics;
  }

  /** `tiny` has no room for a message over 1 kB. `settings` has further settings of `custom.offlineKafka`; `before` is called when the topics exist. */
  static async start(
    functions: (destinations: { failed: string; tiny: string }) => Record<string, TestFunction>,
    settings: object,
    before: (topicOf: (name: string) => string) => Promise<void> = async () => {},
  ): Promise<KafkaSourceService> {
    const directory = await mkdtemp(join(tmpdir(), 'streamsync-kafka-source-'));
    await cp(join(import.meta.dirname, 'handler.mjs'), join(directory, 'handler.mjs'));
    const destinations = { failed: await createTopic(1), tiny: await createTopic(1, 1_000) };
    const topics = new Map(Object.entries(destinations));
    const topicOf = (name: string): string => topics.get(name) ?? '';
    const definitions = Object.entries(functions(destinations));
    for (const [name, { partitions = 1 }] of definitions)
      topics.set(name, await createTopic(partitions));
    await before(topicOf);
    const configured = definitions.map(([name, definition]) =>
      configure(name, definition, topicOf(name), join(directory, `${name}.ndjson`)),
    );
    await writeService(directory, {
      custom: { offlineKafka: { brokers: stack.kafka.brokers.join(','), ...settings } },
      functions: Object.fromEntries(configured.map((each) => each.definition)),
      resources: { extensions: Object.fromEntries(configured.map((each) => each.extension)) },
    });
    const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
    const process = await OfflineService.start(directory, credentials);
    return new KafkaSourceService(process, directory, topics);
  }

  topicOf(name: string): string {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new Error(`no function ${name}`);
    return topic;
  }

  /** Sends records to the topic of a function as one batch of its partition 0. */
  send(name: string, ...values: string[]): Promise<void> {
    return produce(
      this.topicOf(name),
      values.map((value) => ({ partition: 0, key: `key of ${value}`, value })),
    );
  }

  /** Returns the events that a function has got so far. */
  async eventsOf(name: string): Promise<SeenEvent[]> {
    const text = await readFile(join(this.#directory, `${name}.ndjson`), 'utf8').catch(() => '');
    const lines = text.split('\n').slice(0, -1);
    return lines.map((line) => eventSchema.parse(JSON.parse(line)));
  }

  /** Returns the values of each invocation of a function so far. */
  async batchesOf(name: string): Promise<(string | null)[][]> {
    const events = await this.eventsOf(name);
    return events.map(({ records }) => records.map(({ text }) => text));
  }

  /** Waits until all records of the topic of a function are committed, and returns the values of each invocation. */
  async committedBatchesOf(name: string): Promise<(string | null)[][]> {
    const topic = this.topicOf(name);
    await withAdmin((admin) =>
      this.process.waitFor(`all records of ${name} are committed`, async () => {
        const ends = await admin.fetchTopicOffsets(topic);
        const groupId = `test-${name}-${topic}`;
        const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
        const offsets = new Map(
          committed?.partitions.map(({ partition, offset }) => [partition, offset]),
        );
        const isDone = ends.every(
          ({ partition, high }) => high === '0' || offsets.get(partition) === high,
        );
        return isDone || undefined;
      }),
    );
    return this.batchesOf(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await deleteTopics([...this.#topics.values()]);
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Writes a service with the plugin of this repository. Serverless accepts only plugins of the directory of a service. */
export async function writeService(directory: string, parts: object): Promise<void> {
  const plugin = join(repoRoot, 'infra/offline/plugin.ts');
  await writeFile(join(directory, 'plugin.mjs'), `export { default } from '${plugin}';`);
  const service = {
    service: 'test',
    plugins: ['serverless-offline', './plugin.mjs'],
    provider: { name: 'aws', runtime: 'nodejs24.x', timeout: 30 },
    ...parts,
  };
  await writeFile(join(directory, 'serverless.yml'), JSON.stringify(service));
}

/** Returns the entries of a function in `functions` and in `resources.extensions`. */
function configure(
  name: string,
  { event = {}, isSelfManaged = false, properties, environment }: TestFunction,
  topic: string,
  events: string,
) {
  const msk = { arn, topic, ...event };
  const kafka = {
    topic,
    bootstrapServers: ['broker:9092'],
    accessConfigurations: { vpcSubnet: ['subnet-1'] },
    ...event,
  };
  const settings: EventSettings = isSelfManaged
    ? { type: 'kafka', event: kafkaSchema.parse(kafka) }
    : { type: 'msk', event: mskSchema.parse(msk) };
  const definition = {
    handler: 'handler.handler',
    environment: { EVENTS: events, ...environment },
    events: [isSelfManaged ? { kafka } : { msk }],
  };
  return {
    definition: [name, definition],
    extension: [logicalIdOf(name, settings), { Properties: properties ?? {} }],
  };
}
