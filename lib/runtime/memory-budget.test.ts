import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { budgetBytes, memoryBudget, memoryLimits } from './memory-budget.ts';

const mebibyte = 1_024 * 1_024;
/** The smallest `workerMemory` of a deploy file, in MiB. */
const smallestMemory = 1_024;
/** For rows of unusual length, and for what the allocator keeps. */
const reserve = 0.25;

const worker = /^ {2}export-worker:\n(?: {4}.*\n)*/m.exec(
  readFileSync('serverless.yml', 'utf8'),
)?.[0];

function settingOf(name: string): number {
  const setting = new RegExp(`${name}[:=] ?(\\d+)`).exec(worker ?? '')?.[1];
  if (setting === undefined) throw new Error(`serverless.yml: export-worker has no ${name}`);
  return Number(setting);
}

test('the sum of the budget fits into three quarters of the smallest memory of a worker', () => {
  expect(settingOf('memorySize')).toBeGreaterThanOrEqual(smallestMemory);
  expect(budgetBytes()).toBeLessThanOrEqual((1 - reserve) * smallestMemory * mebibyte);
});

test('the semi-spaces of the budget are those that serverless.yml sets', () => {
  const { bytes } = memoryBudget.youngGeneration;
  expect(bytes).toBe(3 * settingOf('--max-semi-space-size') * mebibyte);
});

test('docs/performance.md has the table as it is', () => {
  const documented = readFileSync('docs/performance.md', 'utf8');
  const inMebibytes = (bytes: number): string => String(Math.round((bytes / mebibyte) * 100) / 100);
  const rows = Object.values(memoryBudget).map(
    ({ what, bytes, count }) =>
      `| ${what} | ${count} × ${inMebibytes(bytes)} | ${inMebibytes(count * bytes)} |`,
  );
  rows.push(`| **sum** | | **${inMebibytes(budgetBytes())}** |`);
  expect(rows.filter((row) => !documented.includes(row))).toEqual([]);
});

test('the chunks that a worker thread has not asked for are part of those of the COPY streams', () => {
  expect(memoryLimits.workerInput).toBeLessThanOrEqual(memoryBudget.copyChunk.count);
});
