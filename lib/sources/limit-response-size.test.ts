import { expect, test } from '@jest/globals';
import { bytesOf, fitToResponse, type WholeSource } from './limit-response-size.ts';

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

test('fitToResponse returns sources that fit unchanged', () => {
  const [few] = fitToResponse([source('few', 3)]);
  expect(few?.datasets).toHaveLength(3);
  for (const dataset of few?.datasets ?? []) expect(dataset).toMatchObject({ columns });
  expect(few).not.toHaveProperty('datasetsLeftOut');
});

test.each([3_000, 20_000, 200_000])(
  'fitToResponse keeps a small source complete within %i bytes',
  (maxBytes) => {
    const result = fitToResponse(
      [source('large', 5_000, 7), source('small', 3), source('other', 5_000)],
      maxBytes,
    );
    expect(bytesOf(result)).toBeLessThan(maxBytes + 400);
    expect(bytesOf(result)).toBeGreaterThan(maxBytes / 2);
    const [large, small] = result;
    expect(small?.datasets.map((it) => it.columns)).toEqual([columns, columns, columns]);
    expect((large?.datasets.length ?? 0) + (large?.datasetsLeftOut ?? 0)).toBe(5_007);
  },
);

test('fitToResponse keeps all datasets before any columns, and marks datasets without columns', () => {
  const large = source('one', 100);
  const wholeBytes = bytesOf(fitToResponse([large]));
  const [one] = fitToResponse([large], Math.round(wholeBytes * 0.95));
  expect(one?.datasets).toHaveLength(100);
  const leftOut = one?.datasets.map((it) => it.columnsLeftOut === true) ?? [];
  expect(leftOut.filter(Boolean).length).toBeGreaterThan(0);
  expect(leftOut.lastIndexOf(false)).toBeLessThan(leftOut.indexOf(true));
  for (const it of one?.datasets ?? [])
    expect(it.columns).toEqual(it.columnsLeftOut ? [] : columns);
});

test('fitToResponse returns what Lambda takes from a function, with the quotes of short names escaped', () => {
  const short = Array.from({ length: 1_600 }, () => ({
    name: 'c',
    type: '"char"',
    nullable: true,
  }));
  const wide = source('wide', 100);
  const datasets = wide.datasets.map(({ head }) => ({ head, columns: short }));
  const body = JSON.stringify({ sources: fitToResponse([{ ...wide, datasets }]) });
  const payload = Buffer.byteLength(JSON.stringify({ statusCode: 200, headers: {}, body }));
  expect(payload).toBeGreaterThan(5_500_000);
  expect(payload).toBeLessThan(6_291_556);
});
