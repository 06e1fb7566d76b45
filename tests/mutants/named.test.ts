import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { namedChanges } from './named.ts';
import { folders, ofFile, suitesOf } from './suites.ts';

test('the text of each named change occurs exactly once in its file', () => {
  const counts = namedChanges.map(({ row, file, find }) => ({
    row,
    find,
    count: existsSync(file) ? readFileSync(file, 'utf8').split(find).length - 1 : 'no such file',
  }));
  expect(counts.filter(({ count }) => count !== 1)).toEqual([]);
});

test('each path that the named changes and the suites name exists', () => {
  const paths = [
    ...namedChanges.flatMap(({ units = [], suites = [] }) => [...units, ...suites]),
    ...[...folders, ...Object.keys(ofFile)].flatMap((path) => [path, ...suitesOf(path)]),
  ];
  expect(paths.filter((path) => !existsSync(path))).toEqual([]);
});

test('each named change is tried by unit tests or suites', () => {
  const untested = namedChanges.filter(
    ({ units = [], suites = [] }) => units.length + suites.length === 0,
  );
  expect(untested).toEqual([]);
});
