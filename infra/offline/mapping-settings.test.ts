import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { type EventSettings, kafkaSchema, logicalIdOf, mskSchema } from './mapping-settings.ts';

const require = createRequire(import.meta.url);
const nameSchema = z.custom<(...parts: unknown[]) => string>((it) => typeof it === 'function');
const aws = 'serverless/lib/plugins/aws';
const naming = z
  .looseObject({ getMSKEventLogicalId: nameSchema, getKafkaEventLogicalId: nameSchema })
  .parse(Object.assign({}, require(`${aws}/lib/naming.js`)));
const clusterToken = nameSchema.parse(
  require(`${aws}/package/compile/events/msk/get-msk-cluster-name-token.js`),
);

const clusterArn = 'arn:aws:kafka:eu-central-1:000000000000:cluster/local/1';
const selfManaged = { bootstrapServers: ['b:1'], accessConfigurations: {}, topic: 'orders' };

test.each<[string, EventSettings]>([
  [
    'an-order_s',
    { type: 'msk', event: mskSchema.parse({ arn: clusterArn, topic: 'the.orders-1' }) },
  ],
  ['b', { type: 'msk', event: mskSchema.parse({ arn: { Ref: 'My-Cluster' }, topic: 't' }) }],
  ['c', { type: 'kafka', event: kafkaSchema.parse({ ...selfManaged, topic: 't_x' }) }],
])('the logical id of a mapping of %s is that of Serverless', (functionKey, settings) => {
  const { event, type } = settings;
  const expected =
    type === 'msk'
      ? naming.getMSKEventLogicalId(functionKey, clusterToken(event.arn), event.topic)
      : naming.getKafkaEventLogicalId(functionKey, event.topic);
  expect(logicalIdOf(functionKey, settings)).toBe(expected);
});
