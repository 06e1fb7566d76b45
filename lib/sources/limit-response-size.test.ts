import { expect, test } from '@jest/globals';
import { fitted, type WholeSource } from './fit-answer.ts';

const columns = [{ name: 'a column', type: 'integer', nullable: true }];
const source = (name: string, datasets: number, more = 0): WholeSource => ({
  name,
  datasets: Array.from({ length: datasets }, (_, n) => ({
    head: {
      name: `${name}_${n}`,
      kind: 'table',
      timeColumn: null,
      earliest: null,
      latest: null,
      estimatedRows: n,
    },
    columns,
  })),
  more,
});
const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

test('what fits is told whole', () => {
  const [few] = fitted([source('few', 3)]);
  expect(few?.datasets).toHaveLength(3);
  for (const dataset of few?.datasets ?? []) expect(dataset).toMatchObject({ columns });
  expect(few).not.toHaveProperty('datasetsLeftOut');
});

test.each([2_000, 20_000, 200_000])('within %i bytes, a small source keeps all', (most) => {
  const told = fitted(
    [source('large', 5_000, 7), source('small', 3), source('other', 5_000)],
    most,
  );
  expect(bytes(told)).toBeLessThan(most + 300);
  expect(bytes(told)).toBeGreaterThan(most / 2);
  const [large, small] = told;
  expect(small?.datasets.map((it) => it.columns)).toEqual([columns, columns, columns]);
  expect((large?.datasets.length ?? 0) + (large?.datasetsLeftOut ?? 0)).toBe(5_007);
});

test('first all datasets, then the columns of the first ones; what has none to show says so', () => {
  const all = source('one', 100);
  const whole = bytes(fitted([all]));
  const [one] = fitted([all], Math.round(whole * 0.95));
  expect(one?.datasets).toHaveLength(100);
  const without = one?.datasets.map((it) => it.columnsLeftOut === true) ?? [];
  expect(without.filter(Boolean).length).toBeGreaterThan(0);
  expect(without.lastIndexOf(false)).toBeLessThan(without.indexOf(true));
  for (const it of one?.datasets ?? [])
    expect(it.columns).toEqual(it.columnsLeftOut ? [] : columns);
});
