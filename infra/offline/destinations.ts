/** Sends what was not processed to the on-failure destinations of the mappings. */
import { randomUUID } from 'node:crypto';
import kafkajs, { type Kafka, type Message, type Producer } from 'kafkajs';
import { errorMessage } from './errors.ts';
import { placesOf } from './event.ts';
import { batchFailure, type Failure, recordFailure } from './failure-record.ts';
import type { Log } from './log.ts';
import type { MappingSettings } from './mapping-settings.ts';
import { backoffMs, sleep } from './retry.ts';
import type { Settings } from './settings.ts';
import { settledWithin } from './timeout.ts';

const { CompressionTypes } = kafkajs;

const retryDelays = { firstMs: 500, maxMs: 10_000 };

type DestinationClient = Pick<Kafka, 'producer'>;
type PutObject = (bucket: string, key: string, body: string) => Promise<void>;

export class FailureDestinations {
  readonly #kafka: DestinationClient;
  readonly #log: Log;
  readonly #settings: Pick<Settings, 'plugin' | 'region'>;
  #producer: Promise<Producer> | undefined;
  #putObject: Promise<PutObject> | undefined;

  constructor(kafka: DestinationClient, settings: Pick<Settings, 'plugin' | 'region'>, log: Log) {
    this.#kafka = kafka;
    this.#settings = settings;
    this.#log = log;
  }

  /**
   * Returns when the destination of the mapping has the failure, or has no room for it. Tries again as long as it cannot
   * be reached. Throws the reason of the signal if it aborts.
   */
  async send(mapping: MappingSettings, failure: Failure, signal: AbortSignal): Promise<void> {
    const { records, condition } = failure;
    const what = `${placesOf(records)}: ${records.length} records (${condition})`;
    if (mapping.destination === undefined) {
      this.#log.error(`${what}: skipped, the mapping has no on-failure destination`);
      return;
    }
    for (let failures = 0; ; failures += 1) {
      try {
        if (mapping.destination.type === 'kafka')
          await this.#toKafka(mapping.destination.topic, mapping, failure);
        else await this.#toS3(mapping.destination.bucket, mapping, failure);
        this.#log.warning(`${what}: sent to the on-failure destination`);
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (isTooLarge(error)) {
          this.#log.error(`${what}: refused by the destination: ${errorMessage(error)}`);
          return;
        }
        const wait = backoffMs(failures, retryDelays);
        this.#log.warning(
          `${what}: not sent: ${errorMessage(error)}; retry in ${Math.round(wait)} ms`,
        );
        await sleep(wait, signal);
      }
    }
  }

  async stop(timeoutMs: number): Promise<void> {
    if (this.#producer === undefined) return;
    await settledWithin(
      this.#producer.then((producer) => producer.disconnect()),
      timeoutMs,
    );
  }

  async #toKafka(topic: string, mapping: MappingSettings, failure: Failure): Promise<void> {
    this.#producer ??= this.#connect();
    const producer = await this.#producer;
    const messages = failure.records.map((record): Message => {
      const message = recordFailure(mapping, failure, record, randomUUID());
      const key = record.key === undefined ? null : Buffer.from(record.key, 'base64');
      return { key, value: JSON.stringify(message) };
    });
    await producer.send({ topic, messages, compression: CompressionTypes.GZIP });
  }

  async #connect(): Promise<Producer> {
    try {
      const producer = this.#kafka.producer({ allowAutoTopicCreation: false });
      await producer.connect();
      return producer;
    } catch (error) {
      this.#producer = undefined;
      throw error;
    }
  }

  async #toS3(bucket: string, mapping: MappingSettings, failure: Failure): Promise<void> {
    this.#putObject ??= s3Client(this.#settings.region, this.#settings.plugin?.s3Endpoint);
    const putObject = await this.#putObject;
    const time = failure.at.toISOString();
    const day = time.slice(0, 10).replaceAll('-', '/');
    const second = time.slice(0, 19).replaceAll(':', '.');
    const place = `${mapping.groupId}/${mapping.topic}-${failure.records[0]?.partition}`;
    await putObject(
      bucket,
      `aws/lambda/${place}/${day}/${second}-${randomUUID()}`,
      JSON.stringify(batchFailure(mapping, failure, randomUUID())),
    );
  }
}

/** Returns whether the topic has no room for a message: kafkajs has the broker's error as the cause of its own. */
function isTooLarge(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('type' in error && error.type === 'MESSAGE_TOO_LARGE') || isTooLarge(error.cause);
}

/** Only a service with a destination in S3 needs the package. */
async function s3Client(region: string, endpoint: string | undefined): Promise<PutObject> {
  const { PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  const client = new S3Client({
    region,
    forcePathStyle: true,
    ...(endpoint === undefined ? {} : { endpoint }),
  });
  return async (bucket, key, body) => {
    await client.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: body,
        ContentType: 'application/json',
      }),
    );
  };
}
