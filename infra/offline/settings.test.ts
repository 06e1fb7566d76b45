import { expect, test } from '@jest/globals';
import { parseSettings } from './settings.ts';

const clusterArn = 'arn:aws:kafka:eu-central-1:000000000000:cluster/local/1';

interface Parts {
  msk?: object;
  definition?: object;
  offlineKafka?: object;
}

function service({ msk = {}, definition = {}, offlineKafka = {} }: Parts = {}): object {
  return {
    service: 'shop',
    provider: {
      region: 'eu-central-1',
      runtime: 'nodejs24.x',
      environment: { A: 'provider', B: 1 },
    },
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
  const { brokers, functions, mappings } = parseSettings(service(), '/srv');
  expect(brokers).toEqual(['one:9092', 'two:9092']);
  expect(mappings).toEqual([
    {
      functionKey: 'orders',
      eventSourceArn: clusterArn,
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
  );
  expect(mappings).toMatchObject([
    { batchSize: 7, windowMs: 3000, fromBeginning: false, groupId: 'g' },
  ]);
  expect(functions).toMatchObject([{ timeoutMs: 60_000, keepWarm: 2 }]);
});

test('a window of 0 means the default window, as in a deployment', () => {
  const { mappings } = parseSettings(service({ msk: { maximumBatchingWindow: 0 } }), '/srv');
  expect(mappings).toMatchObject([{ windowMs: 500 }]);
});

test("the function's environment overrides the provider's, and Lambda's variables override both", () => {
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

test('parseSettings ignores a disabled event and its function', () => {
  expect(parseSettings(service({ msk: { enabled: false } }), '/srv')).toMatchObject({
    functions: [],
    mappings: [],
  });
});

test('parseSettings accepts a service without Kafka', () => {
  const bare = { service: 'bare', provider: { name: 'aws' } };
  expect(parseSettings(bare, '/srv')).toEqual({ brokers: [], functions: [], mappings: [] });
});

test('parseSettings replaces an ARN that CloudFormation would compute', () => {
  const { mappings } = parseSettings(service({ msk: { arn: { Ref: 'Cluster' } } }), '/srv');
  expect(mappings[0]?.eventSourceArn).toMatch(/^arn:aws:kafka:eu-central-1:/);
});

test('parseSettings accepts keepWarm of a function whose events are left out', () => {
  const idle = service({ definition: { events: [] }, offlineKafka: { keepWarm: { orders: 1 } } });
  expect(parseSettings(idle, '/srv')).toMatchObject({ functions: [], mappings: [] });
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
])('parseSettings throws for %s and names the setting', (_what, parts, name) => {
  expect(() => parseSettings(service(parts), '/srv')).toThrow(name);
});

test('parseSettings throws for two events with one consumer group', () => {
  const events = ['a', 'b'].map((topic) => ({
    msk: { arn: clusterArn, topic, consumerGroupId: 'g' },
  }));
  expect(() => parseSettings(service({ definition: { events } }), '/srv')).toThrow(
    'consumerGroupId "g"',
  );
});
