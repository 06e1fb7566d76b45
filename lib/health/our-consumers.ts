import { pipelineTopicNames } from '../ingest/pipelines/index.ts';
import { type Consumer, type ConsumerLag, measureConsumers } from '../messaging/consumer-lag.ts';
import { groupIdOf, topics } from '../messaging/topics.ts';
import { config } from '../runtime/config.ts';
import { thresholds } from './thresholds.ts';

/** What a consumer does with the records of its topic. */
type ConsumerPurpose = 'exports' | 'deliveries' | 'ingest' | 'fan-out';

interface OurConsumer extends Consumer {
  purpose: ConsumerPurpose;
}

export interface OurConsumerLag extends ConsumerLag {
  purpose: ConsumerPurpose;
}

/** The groups, as serverless.yml names them. */
const consumersOfExports: readonly OurConsumer[] = [
  {
    groupId: groupIdOf('record-delivery', topics.deliveries.name),
    topic: topics.deliveries.name,
    purpose: 'deliveries',
    staleAfterSeconds: thresholds.deliverySeconds,
  },
  {
    groupId: 'streamsync-accept-export-request',
    topic: topics.requested.name,
    purpose: 'exports',
    staleAfterSeconds: thresholds.requestSeconds,
  },
  {
    groupId: 'streamsync-export-worker',
    topic: topics.work.name,
    purpose: 'exports',
    staleAfterSeconds: thresholds.workSeconds,
  },
];

/** The same for a topic of readings, which two functions read. */
const consumersOfReadings = (topic: string): readonly OurConsumer[] => [
  {
    groupId: groupIdOf('ingest-readings', topic),
    topic,
    purpose: 'ingest',
    staleAfterSeconds: thresholds.ingestSeconds,
  },
  {
    groupId: groupIdOf('live-fanout', topic),
    topic,
    purpose: 'fan-out',
    staleAfterSeconds: thresholds.fanOutSeconds,
  },
];

/** Returns the lag of our consumers. Throws if Kafka does not answer. */
export async function measureOurConsumers(): Promise<OurConsumerLag[]> {
  const consumers = [
    ...consumersOfExports,
    ...(config().readings === undefined
      ? []
      : [topics.readings.name, ...pipelineTopicNames()].flatMap(consumersOfReadings)),
  ];
  const lags = await measureConsumers(consumers);
  return lags.flatMap((lag) => {
    const consumer = consumers.find(
      ({ groupId, topic }) => groupId === lag.groupId && topic === lag.topic,
    );
    return consumer === undefined ? [] : [{ ...lag, purpose: consumer.purpose }];
  });
}
