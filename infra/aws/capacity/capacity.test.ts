import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { repoRoot } from '../../local/home/home.ts';
import { figures, fixed } from './figures.ts';
import { capacityOf, costOf, type Load, waitOf } from './model.ts';
import { simulate, simulateUnits } from './simulation.ts';
import { capacityTable, costTable, terabyteTable } from './tables.ts';
import { readingSeconds, resumableTimes } from './units.ts';

const load: Load = {
  kind: 'csv',
  exportsPerDay: 1_000,
  rows: 1_000_000,
  busiestHour: 0.15,
  variation: 2,
  downloads: 1,
  keptDays: 1,
  slots: figures.slots,
};

describe('the wait for a slot', () => {
  test.each([
    [4, 0.5, 1],
    [4, 0.8, 1],
    [4, 0.8, 0.5],
    [16, 0.8, 1],
    [1, 0.7, 1],
  ])(
    'of %i slots with a utilization of %d and a variation of %d is that of the simulation',
    (slots, utilization, variation) => {
      const queue = { slots, seconds: 3, variation, perSecond: (utilization * slots) / 3 };
      const runs = [1, 2, 3, 4].map((seed) => simulate(queue, { exports: 100_000, seed }).mean);
      const simulated = runs.reduce((sum, mean) => sum + mean, 0) / runs.length;
      expect(waitOf(queue) / simulated).toBeGreaterThan(0.85);
      expect(waitOf(queue) / simulated).toBeLessThan(1.15);
    },
  );

  test('is infinite from a utilization of 1 on, and grows in the simulation with its length', () => {
    const queue = { slots: 4, seconds: 3, variation: 1, perSecond: 1.4 };
    expect(waitOf(queue)).toBe(Infinity);
    const [short, long] = [10_000, 40_000].map((exports) => simulate(queue, { exports, seed: 1 }));
    expect((long?.mean ?? 0) / (short?.mean ?? 1)).toBeGreaterThan(2);
  });

  test('at the largest number of exports a day has a utilization of 0.8 in the busiest hour', () => {
    const { maxExportsPerDay } = capacityOf(load);
    expect(capacityOf({ ...load, exportsPerDay: maxExportsPerDay }).utilization).toBeCloseTo(
      0.8,
      2,
    );
  });
});

describe('the units of a resumable export', () => {
  const work = { source: 60, worker: 20 };

  test.each([
    [4, 2, true],
    [4, 4, true],
    [4, 4, false],
    [4, 16, false],
    [16, 4, false],
    [1, 4, true],
  ])(
    'with %i slots and %i cores, shared: %p, take what the simulation takes',
    (slots, cores, shared) => {
      const machines = { slots, cores, shared };
      const simulated = simulateUnits(machines, work, { units: 250, deviation: 0.2, seed: 1 });
      const ratio = readingSeconds(machines, work, 250) / simulated;
      expect(ratio).toBeGreaterThan(0.93);
      expect(ratio).toBeLessThan(1.04);
    },
  );

  test('are twice as fast with twice the cores, until each unit has what it can use', () => {
    const secondsOf = (cores: number): number =>
      simulateUnits({ slots: 4, cores, shared: true }, work, { units: 100, deviation: 0, seed: 1 });
    expect(secondsOf(1) / secondsOf(2)).toBeCloseTo(2, 6);
    expect(secondsOf(2) / secondsOf(4)).toBeCloseTo(2, 6);
    // Four units use 4 × (60 + 20) / 60 cores.
    expect(secondsOf(6)).toBeCloseTo(secondsOf(12), 6);
    expect(secondsOf(5)).toBeGreaterThan(secondsOf(6));
  });

  test('are no more than the planner makes of an export', () => {
    const { units } = resumableTimes('csv', 1e12, { slots: 4, cores: 2, shared: true });
    expect(units).toBe(1_000);
  });
});

test('the cost grows with the bytes, and has a part that does not', () => {
  const [one, ten] = [1, 10].map((factor) => costOf({ ...load, exportsPerDay: 1_000 * factor }));
  expect(ten?.fixed).toBe(one?.fixed);
  expect((ten?.internet ?? 0) / (one?.internet ?? 1)).toBeCloseTo(10, 6);
});

test('the model has as many slots as the template', () => {
  const template = z
    .object({
      functions: z.object({
        'export-worker': z.object({
          events: z.tuple([
            z.object({
              msk: z.object({ provisionedPollerConfig: z.object({ maximumPollers: z.int() }) }),
            }),
          ]),
        }),
      }),
    })
    .parse(parse(readFileSync(join(repoRoot, 'serverless.yml'), 'utf8')));
  const [{ msk }] = template.functions['export-worker'].events;
  expect(msk.provisionedPollerConfig.maximumPollers).toBe(figures.slots);
});

test('the model has the brokers, databases and doors of the templates', () => {
  const templateOf = (name: string) =>
    z
      .object({
        Parameters: z.record(z.string(), z.looseObject({ Default: z.unknown().optional() })),
        Resources: z.record(z.string(), z.looseObject({ Properties: z.unknown().optional() })),
      })
      .parse(parse(readFileSync(join(repoRoot, 'infra/aws', name), 'utf8')));
  const foundation = templateOf('foundation.yml');
  const defaultOf = (name: string): unknown => foundation.Parameters[name]?.Default;
  expect(foundation.Resources.Brokers?.Properties).toMatchObject({
    NumberOfBrokerNodes: fixed.brokers,
  });
  expect({
    brokers: [defaultOf('BrokerInstanceType'), defaultOf('BrokerVolumeGigabytes')],
    databases: [
      defaultOf('DatabaseInstanceClass'),
      defaultOf('DatabaseGigabytes'),
      defaultOf('DatabaseInTwoZones'),
    ],
  }).toEqual({
    brokers: ['kafka.t3.small', fixed.brokerGigabytes],
    databases: ['db.t4g.medium', fixed.databaseGigabytes, String(fixed.databases === 2)],
  });
  const door = templateOf('door.yml');
  expect(door.Parameters.Tasks?.Default).toBe(fixed.doors);
  expect(door.Resources.Task?.Properties).toMatchObject({ Cpu: '512', Memory: '1024' });
});

test('the tables of docs/scaling.md are those of the model', () => {
  const text = readFileSync(join(repoRoot, 'docs/scaling.md'), 'utf8');
  expect(text).toContain(capacityTable());
  expect(text).toContain(costTable());
  expect(text).toContain(terabyteTable());
});
