import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import kafkajs from 'kafkajs';
import { createAuthority } from '../support/certificate.ts';
import { writeService } from '../support/kafka-source/service.ts';
import { OfflineService } from '../support/offline-service.ts';
import { login, type OwnBroker, startSecuredBroker } from '../support/own-broker.ts';

const { certificate, issue } = createAuthority();
let broker: OwnBroker;

beforeAll(async () => {
  broker = await startSecuredBroker(issue('127.0.0.1'));
});
afterAll(() => broker.stop());

test('records of a broker with TLS and SASL are received, by each mechanism', async () => {
  const address = broker.listeners.SASL_SSL;
  for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512']) {
    const topic = `orders-${mechanism}`;
    const kafka = new kafkajs.Kafka({
      brokers: [address],
      ssl: { ca: certificate },
      sasl: { mechanism: 'plain', ...login },
      logLevel: kafkajs.logLevel.NOTHING,
    });
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 1 }] });
    await admin.disconnect();
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic, messages: [{ value: 'first order' }] });
    await producer.disconnect();

    const directory = await mkdtemp(join(tmpdir(), 'streamsync-kafka-source-'));
    const events = join(directory, 'events.ndjson');
    const handler = join(import.meta.dirname, '../support/kafka-source/handler.mjs');
    await cp(handler, join(directory, 'handler.mjs'));
    await writeFile(join(directory, 'ca.pem'), certificate);
    const arn = 'arn:aws:kafka:us-east-1:000000000000:cluster/test/1';
    await writeService(directory, {
      custom: {
        offlineKafka: {
          brokers: address,
          ssl: { ca: 'ca.pem' },
          sasl: { mechanism, ...login },
        },
      },
      functions: {
        orders: {
          handler: 'handler.handler',
          environment: { EVENTS: events },
          events: [{ msk: { arn, topic } }],
        },
      },
    });
    await using service = await OfflineService.start(directory);
    const text = await service.waitFor('the record is received', async () => {
      const written = await readFile(events, 'utf8').catch(() => '');
      return written.endsWith('\n') ? written : undefined;
    });
    expect(text).toContain('"text":"first order"');
    await service[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  }
});
