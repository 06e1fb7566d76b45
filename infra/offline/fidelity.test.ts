import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
const table = readme.split('\n## Fidelity\n')[1]?.split('\n## ')[0] ?? '';
const rows = table
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) => line.slice(1, -1).split('|'))
  .slice(2)
  // The headings of groups.
  .filter(([, here]) => here?.trim() !== '');

/** Paths of the table are relative to this directory, or begin with `tests/`. */
const pathOf = (file: string): string =>
  join(import.meta.dirname, file.startsWith('tests/') ? '../..' : '.', file);

test('the table of the README has a test for each row', () => {
  expect(rows.length).toBeGreaterThan(30);
  for (const row of rows)
    expect(row).toEqual([row[0], row[1], expect.stringMatching(/^ `[^`]+\.test\.ts`: ./)]);
});

const named = rows.flatMap(([, , tests = '']) =>
  tests.split('<br>').map((text) =>
    text
      .trim()
      .split(/^`([^`]+)`: /)
      .slice(1),
  ),
);

test.each(named)('%s has the test "%s"', (file = '', name = '') => {
  expect(existsSync(pathOf(file))).toBe(true);
  expect(readFileSync(pathOf(file), 'utf8')).toContain(`'${name}',`);
});
