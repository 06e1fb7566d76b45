import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { alarmsOf } from './alarms.ts';
import type { Deployment } from './deploy-file.ts';
import type { FunctionOfService } from './service.ts';
import { deployment } from './testing/deployment.ts';

const functions = (count: number): FunctionOfService[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `f${index}`,
    lambdaName: `streamsync-prod-f${index}`,
    kind: 'websocket',
    timeout: 29,
    eventSources: [],
    role: `F${index}Role`,
    logGroup: `F${index}LogGroup`,
  }));
const { alarmTopic: _, ...withoutTopic } = deployment;
const alarms = (count: number, of: Deployment) =>
  Object.values(alarmsOf({ stage: 'prod', deployment: of, functions: functions(count) }));

test('without a topic in the deploy file, alarms are sent nowhere', () => {
  const actions = alarms(1, withoutTopic).map(({ Properties }) => Properties.AlarmActions);
  expect(actions.length).toBeGreaterThan(0);
  expect(actions.flat()).toEqual([]);
});

test('more functions of a kind than CloudWatch adds up are an error', () => {
  expect(() => alarms(11, deployment)).toThrow('at most 10 metrics; 11 are websocket');
});

test('alarms on metrics that functions print have the names that are in the code', () => {
  const printed = ['lib/health/print-measures.ts', 'lib/exports/events/result-events.ts']
    .map((path) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8'))
    .join();
  const names = alarms(1, deployment).flatMap(({ Properties: { Namespace, MetricName } }) =>
    Namespace === 'StreamSync' ? [String(MetricName)] : [],
  );
  expect(names).toContain('exportsFailed');
  for (const name of names)
    expect([name, printed.includes(`${name}:`) || printed.includes(`'${name}'`)]).toEqual([
      name,
      true,
    ]);
});
