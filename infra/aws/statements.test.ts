import { expect, test } from '@jest/globals';
import { statementsOf } from './statements.ts';
import { deployment } from './testing/deployment.ts';

const actionsFor = (kmsKey: string): string[] =>
  statementsOf(
    {
      name: 'export-worker',
      lambdaName: 'streamsync-prod-export-worker',
      kind: 'kafka',
      timeout: 840,
      eventSources: [],
      role: 'WorkerRole',
      logGroup: 'WorkerLogGroup',
    },
    { deployment: { ...deployment, kmsKey }, stage: 'prod', eventSources: [] },
  ).flatMap(({ Action }) => Action);

test('a function has rights to a KMS key only if the deploy file has one', () => {
  expect(actionsFor(deployment.kmsKey)).toContain('kms:GenerateDataKey');
  expect(actionsFor('').filter((action) => action.startsWith('kms:'))).toEqual([]);
});
