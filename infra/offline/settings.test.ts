import { expect, test } from '@jest/globals';
import { parseSettings } from './settings.ts';

const clusterArn = 'arn:aws:kafka:eu-central-1:000000000000:cluster/local/1';

interface Parts {
  msk?: object;
  definition?: object;
  offlineKafka?: object;
  resources?: unknown;
}

function service({ msk = {}, definition = {}, offlineKafka = {}, resources }: Parts = {}): object {
  return {
    service: 'shop',
    provider: {
      region: 'eu-central-1',
      runtime: 'nodejs24.x',
      environment: { A: 'provider', B: 1 },
    },
    resources,
    custom: { offlineKafka: { brokers: 'one:9092, two:9092', ...offlineKafka } },
    functions: {
      page: { name: 'shop-dev-page', handler: 'page.handler', events: [{ httpApi: 'GET /' }] },
      orders: {
        name: 'shop-dev-orders',
        handler: 'handlers/orders.handler',
        events: [{ msk: { arn: clusterArn, topic: 'orders', ...msk } }],
        ...definition,
      },
    },
  };
}

test('parseSettings gives an msk event without options the defaults of AWS', () => {
  const { plugin, functions, mappings } = parseSettings(service(), '/srv', {});
  expect(plugin?.brokers).toEqual(['one:9092', 'two:9092']);
  expect(mappings).toEqual([
    {
      functionKey: 'orders',
      functionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:shop-dev-orders',
      eventSourceArn: clusterArn,
      bootstrapServers: 'one:9092,two:9092',
      topic: 'orders',
      groupId: 'shop-orders-orders',
      pollers: 1,
      batchSize: 100,
      windowMs: 500,
      start: 'TRIM_HORIZON',
      filters: [],
      reportsFailures: false,
      bisects: false,
      maxRetries: Infinity,
      maxAgeMs: Infinity,
      destination: undefined,
      deliversLargeRecords: false,
    },
  ]);
  expect(functions.map(({ key, timeoutMs, keepWarm }) => ({ key, timeoutMs, keepWarm }))).toEqual([
    { key: 'orders', timeoutMs: 6000, keepWarm: 0 },
  ]);
});

test('parseSettings returns the options of an msk event', () => {
  const { functions, mappings } = parseSettings(
    service({
      msk: {
        batchSize: 7,
        maximumBatchingWindow: 3,
        startingPosition: 'LATEST',
        consumerGroupId: 'g',
      },
      definition: { timeout: 60 },
      offlineKafka: { keepWarm: { orders: 2 } },
    }),
    '/srv',
    {},
  );
  expect(mappings).toMatchObject([{ batchSize: 7, windowMs: 3000, start: 'LATEST', groupId: 'g' }]);
  expect(functions).toMatchObject([{ timeoutMs: 60_000, keepWarm: 2 }]);
});

test.each([
  [{ minimumPollers: 4, maximumPollers: 8 }, 4],
  [{ maximumPollers: 8 }, 1],
])(
  'a mapping with %j has as many pollers as AWS begins with',
  (provisionedPollerConfig, pollers) => {
    const { mappings } = parseSettings(service({ msk: { provisionedPollerConfig } }), '/srv', {});
    expect(mappings).toMatchObject([{ pollers }]);
  },
);

test('a window of 0 means the default window, as in a deployment', () => {
  const { mappings } = parseSettings(service({ msk: { maximumBatchingWindow: 0 } }), '/srv', {});
  expect(mappings).toMatchObject([{ windowMs: 500 }]);
});

test("the function's environment overrides the provider's, and Lambda's variables override both", () => {
  const definition = { environment: { A: 'function', C: { Ref: 'Table' }, AWS_REGION: 'mars' } };
  const [settings] = parseSettings(service({ definition }), '/srv', {}).functions;
  expect(settings?.environment).toMatchObject({
    A: 'function',
    B: '1',
    AWS_REGION: 'eu-central-1',
    AWS_LAMBDA_FUNCTION_NAME: 'shop-dev-orders',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024',
    LAMBDA_TASK_ROOT: '/srv',
    _HANDLER: 'handlers/orders.handler',
  });
  expect(settings?.environment).not.toHaveProperty('C');
});

test('parseSettings ignores a disabled event and its function', () => {
  expect(parseSettings(service({ msk: { enabled: false } }), '/srv', {})).toMatchObject({
    functions: [],
    mappings: [],
  });
});

test('parseSettings accepts a service without Kafka', () => {
  const bare = { service: 'bare', provider: { name: 'aws' } };
  expect(parseSettings(bare, '/srv', {})).toMatchObject({ functions: [], mappings: [] });
});

test('parseSettings replaces an ARN that CloudFormation would compute', () => {
  const { mappings } = parseSettings(service({ msk: { arn: { Ref: 'Cluster' } } }), '/srv', {});
  expect(mappings[0]?.eventSourceArn).toMatch(/^arn:aws:kafka:eu-central-1:/);
});

test('parseSettings accepts keepWarm of a function whose events are left out', () => {
  const idle = service({ definition: { events: [] }, offlineKafka: { keepWarm: { orders: 1 } } });
  expect(parseSettings(idle, '/srv', {})).toMatchObject({ functions: [], mappings: [] });
});

const provisioned = { provisionedPollerConfig: { minimumPollers: 1, maximumPollers: 1 } };
const id = 'OrdersEventSourceMappingMSKLocalOrders';
const extend = (Properties: object): object => ({ extensions: { [id]: { Properties } } });
const onFailure = (Destination: string): object => ({
  DestinationConfig: { OnFailure: { Destination } },
});

test('parseSettings returns the error controls of resources.extensions', () => {
  const { mappings } = parseSettings(
    service({
      msk: provisioned,
      resources: extend({
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        BisectBatchOnFunctionError: true,
        MaximumRetryAttempts: 3,
        MaximumRecordAgeInSeconds: 60,
        ...onFailure('kafka://orders.failed'),
      }),
    }),
    '/srv',
    {},
  );
  expect(mappings).toMatchObject([
    {
      reportsFailures: true,
      bisects: true,
      maxRetries: 3,
      maxAgeMs: 60_000,
      destination: { type: 'kafka', topic: 'orders.failed' },
    },
  ]);
});

test('a mapping with a destination retries ten times at most', () => {
  const resources = [extend({ MaximumRetryAttempts: -1, ...onFailure('arn:aws:s3:::failed') })];
  const offlineKafka = { s3Endpoint: 'http://127.0.0.1:4566' };
  const { mappings } = parseSettings(service({ resources, offlineKafka }), '/srv', {});
  expect(mappings).toMatchObject([
    { maxRetries: 10, destination: { type: 's3', bucket: 'failed' } },
  ]);
});

test('parseSettings returns the options of an event of self-managed Kafka', () => {
  const events = [
    {
      kafka: {
        topic: 'orders',
        bootstrapServers: ['broker:9092'],
        accessConfigurations: { saslScram512Auth: ['arn:secret'] },
        startingPosition: 'AT_TIMESTAMP',
        startingPositionTimestamp: 1_700_000_000,
        onFailureDestination: 'kafka://orders.failed',
        filterPatterns: [{ value: { a: ['x'] } }],
        ...provisioned,
      },
    },
  ];
  const { mappings } = parseSettings(service({ definition: { events } }), '/srv', {});
  expect(mappings).toMatchObject([
    {
      eventSourceArn: undefined,
      bootstrapServers: 'one:9092,two:9092',
      start: 1_700_000_000_000,
      destination: { type: 'kafka', topic: 'orders.failed' },
      maxRetries: 10,
    },
  ]);
  expect(mappings[0]?.filters.map((matches) => matches(Buffer.from('{"a":"x"}')))).toEqual([true]);
});

test('a function gets its own variables, credentials, and of the others of Serverless only those that are named', () => {
  const parent = { PATH: '/bin', HOME: '/home', AWS_ACCESS_KEY_ID: 'a', SECRET: 's', NAMED: 'n' };
  const offlineKafka = { passEnvironment: ['NAMED', 'ABSENT'] };
  const [settings] = parseSettings(service({ offlineKafka }), '/srv', parent).functions;
  expect(settings?.environment).toMatchObject({ PATH: '/bin', AWS_ACCESS_KEY_ID: 'a', NAMED: 'n' });
  for (const name of ['HOME', 'SECRET', 'ABSENT'])
    expect(settings?.environment).not.toHaveProperty(name);
});

const selfManaged = { bootstrapServers: ['b:1'], accessConfigurations: {}, topic: 'orders' };
const withKafka = (kafka: object): Parts => ({
  definition: { events: [{ kafka: { ...selfManaged, ...kafka } }] },
});

test.each<[string, Parts, string]>([
  ['an unknown setting of msk', { msk: { tumblingWindow: 3 } }, 'tumblingWindow'],
  ['an unknown setting of kafka', withKafka({ schemaRegistryConfig: {} }), 'schemaRegistryConfig'],
  [
    'an unknown authentication',
    withKafka({ accessConfigurations: { virtualHost: ['x'] } }),
    'virtualHost',
  ],
  ['an unknown property', { resources: extend({ ScalingConfig: {} }) }, 'ScalingConfig'],
  ['a filter of keys', { msk: { filterPatterns: [{ key: [1] }] } }, 'filterPatterns[0]'],
  [
    'a rule that Lambda has not',
    { msk: { filterPatterns: [{ value: { a: [{ wildcard: '*' }] } }] } },
    'wildcard',
  ],
  ['AT_TIMESTAMP without time', { msk: { startingPosition: 'AT_TIMESTAMP' } }, 'AT_TIMESTAMP'],
  ['a time without AT_TIMESTAMP', { msk: { startingPositionTimestamp: 1 } }, 'AT_TIMESTAMP'],
  ['a batch too large', { msk: { batchSize: 10_001 } }, 'batchSize'],
  ['a group id too long', { msk: { consumerGroupId: 'g'.repeat(201) } }, 'consumerGroupId'],
  [
    'too many pollers',
    { msk: { provisionedPollerConfig: { minimumPollers: 201 } } },
    'minimumPollers',
  ],
  [
    'fewer pollers than the fewest',
    { msk: { provisionedPollerConfig: { minimumPollers: 2, maximumPollers: 1 } } },
    'minimumPollers is more than maximumPollers',
  ],
  ['a fraction of a second', { msk: { maximumBatchingWindow: 0.5 } }, 'maximumBatchingWindow'],
  ['an unknown setting of the plugin', { offlineKafka: { broker: 'x' } }, 'broker'],
  ['no broker', { offlineKafka: { brokers: '' } }, 'custom.offlineKafka.brokers'],
  ['keepWarm of another function', { offlineKafka: { keepWarm: { page: 1 } } }, 'keepWarm.page'],
  ['inspect of another function', { offlineKafka: { inspect: { page: 1 } } }, 'inspect.page'],
  ['a timeout over 14 minutes', { definition: { timeout: 900 } }, 'functions.orders.timeout'],
  ['another runtime', { definition: { runtime: 'python3.13' } }, 'functions.orders.runtime'],
  [
    'a queue as destination',
    { resources: extend(onFailure('arn:aws:sqs:eu-central-1:123456789012:failed')) },
    'arn:aws:sqs:eu-central-1:123456789012:failed is not simulated',
  ],
  [
    'a destination of kafka that is a topic of SNS',
    withKafka({ onFailureDestination: 'arn:aws:sns:eu-central-1:123456789012:failed' }),
    'is not simulated',
  ],
  [
    'a destination in S3 without an endpoint',
    { resources: extend(onFailure('arn:aws:s3:::failed')) },
    's3Endpoint',
  ],
  [
    'a topic that is its own destination',
    { msk: provisioned, resources: extend(onFailure('kafka://orders')) },
    'its own on-failure destination',
  ],
  [
    'a Kafka topic as destination without provisioned pollers',
    { resources: extend(onFailure('kafka://failed')) },
    'a Kafka topic as destination needs provisionedPollerConfig',
  ],
  ...[
    { FunctionResponseTypes: ['ReportBatchItemFailures'] },
    { BisectBatchOnFunctionError: true },
    { MaximumRetryAttempts: 0 },
    { MaximumRecordAgeInSeconds: 60 },
  ].map((properties): [string, Parts, string] => {
    const [name = ''] = Object.keys(properties);
    return [
      `${name} without provisioned pollers`,
      { resources: extend(properties) },
      `${name} needs provisionedPollerConfig`,
    ];
  }),
  ['a record age below a minute', { resources: extend({ MaximumRecordAgeInSeconds: 59 }) }, 'Age'],
  [
    'an extension of a mapping that is not there',
    { resources: { extensions: { OrdersEventSourceMappingMSKLocalOther: { Properties: {} } } } },
    'OrdersEventSourceMappingMSKLocalOther: no Kafka event',
  ],
  [
    'a mapping that is no event',
    {
      resources: {
        Resources: {
          Mine: { Type: 'AWS::Lambda::EventSourceMapping', Properties: { Topics: [] } },
        },
      },
    },
    'resources.Resources.Mine',
  ],
])('parseSettings refuses %s and names it', (_what, parts, name) => {
  expect(() => parseSettings(service(parts), '/srv', {})).toThrow(name);
});

test('parseSettings throws for two events with one consumer group', () => {
  const events = ['a', 'b'].map((topic) => ({
    msk: { arn: clusterArn, topic, consumerGroupId: 'g' },
  }));
  expect(() => parseSettings(service({ definition: { events } }), '/srv', {})).toThrow(
    'consumerGroupId "g"',
  );
});
