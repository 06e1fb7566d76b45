import { expect, test } from '@jest/globals';
import { parseSettings } from './settings.ts';

const ARN = 'arn:aws:kafka:eu-central-1:000000000000:cluster/local/1';

interface Parts {
  readonly msk?: object;
  readonly definition?: object;
  readonly offlineKafka?: object;
}

const service = ({ msk = {}, definition = {}, offlineKafka = {} }: Parts = {}): object => ({
  service: 'shop',
  provider: { region: 'eu-central-1', runtime: 'nodejs24.x', environment: { A: 'provider', B: 1 } },
  custom: { offlineKafka: { brokers: 'one:9092, two:9092', ...offlineKafka } },
  functions: {
    page: { name: 'shop-dev-page', handler: 'page.handler', events: [{ httpApi: 'GET /' }] },
    orders: {
      name: 'shop-dev-orders',
      handler: 'handlers/orders.handler',
      events: [{ msk: { arn: ARN, topic: 'orders', ...msk } }],
      ...definition,
    },
  },
});

test('an msk event without options gets the defaults of AWS', () => {
  const { brokers, functions, mappings } = parseSettings(service(), '/srv');
  expect(brokers).toEqual(['one:9092', 'two:9092']);
  expect(mappings).toEqual([
    {
      functionKey: 'orders',
      eventSourceArn: ARN,
      bootstrapServers: 'one:9092,two:9092',
      topic: 'orders',
      groupId: 'shop-orders-orders',
      batchSize: 100,
      windowMs: 500,
      fromBeginning: true,
    },
  ]);
  expect(functions.map(({ key, timeoutMs, keepWarm }) => ({ key, timeoutMs, keepWarm }))).toEqual([
    { key: 'orders', timeoutMs: 6000, keepWarm: 0 },
  ]);
});

test('options are taken over', () => {
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
  );
  expect(mappings).toMatchObject([
    { batchSize: 7, windowMs: 3000, fromBeginning: false, groupId: 'g' },
  ]);
  expect(functions).toMatchObject([{ timeoutMs: 60_000, keepWarm: 2 }]);
});

test('a window of 0 is the default one, as it is once deployed', () => {
  const { mappings } = parseSettings(service({ msk: { maximumBatchingWindow: 0 } }), '/srv');
  expect(mappings).toMatchObject([{ windowMs: 500 }]);
});

test('the environment is that of the function over that of the provider, and what Lambda sets', () => {
  const definition = { environment: { A: 'function', C: { Ref: 'Table' }, AWS_REGION: 'mars' } };
  const [settings] = parseSettings(service({ definition }), '/srv').functions;
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

test('a disabled event is no mapping, and its function none of ours', () => {
  expect(parseSettings(service({ msk: { enabled: false } }), '/srv')).toMatchObject({
    functions: [],
    mappings: [],
  });
});

test('a service without Kafka needs no settings', () => {
  const bare = { service: 'bare', provider: { name: 'aws' } };
  expect(parseSettings(bare, '/srv')).toEqual({ brokers: [], functions: [], mappings: [] });
});

test('an ARN that CloudFormation would compute is stood in for', () => {
  const { mappings } = parseSettings(service({ msk: { arn: { Ref: 'Cluster' } } }), '/srv');
  expect(mappings[0]?.eventSourceArn).toMatch(/^arn:aws:kafka:eu-central-1:/);
});

test.each([
  ['filters', { msk: { filterPatterns: [{ a: [1] }] } }, 'filterPatterns'],
  ['AT_TIMESTAMP', { msk: { startingPosition: 'AT_TIMESTAMP' } }, 'startingPosition'],
  ['a batch too large', { msk: { batchSize: 10_001 } }, 'batchSize'],
  ['a group id too long', { msk: { consumerGroupId: 'g'.repeat(201) } }, 'consumerGroupId'],
  ['a fraction of a second', { msk: { maximumBatchingWindow: 0.5 } }, 'maximumBatchingWindow'],
  ['an unknown setting', { offlineKafka: { broker: 'x' } }, 'broker'],
  ['no broker', { offlineKafka: { brokers: '' } }, 'custom.offlineKafka.brokers'],
  ['keepWarm of another function', { offlineKafka: { keepWarm: { page: 1 } } }, 'keepWarm.page'],
  ['a timeout over 14 minutes', { definition: { timeout: 900 } }, 'functions.orders.timeout'],
])('%s is refused by name', (_what, parts, name) => {
  expect(() => parseSettings(service(parts), '/srv')).toThrow(name);
});

test('two events of one consumer group are refused', () => {
  const events = ['a', 'b'].map((topic) => ({ msk: { arn: ARN, topic, consumerGroupId: 'g' } }));
  expect(() => parseSettings(service({ definition: { events } }), '/srv')).toThrow(
    'consumerGroupId "g"',
  );
});
