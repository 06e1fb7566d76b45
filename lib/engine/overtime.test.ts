import { expect, test } from '@jest/globals';
import { refusalOfOvertime } from './overtime.ts';

test.each([
  ['csv', 'snapshot', 720, 'longer than 12 minutes. Ask for it as resumable'],
  // It is that already, and a workbook cannot be.
  ['csv', 'resumable', 720, 'longer than 12 minutes. Ask for a shorter range, or'],
  ['xlsx', 'snapshot', 20, 'longer than 20 seconds. Ask for a shorter range, or'],
] as const)('%s %s: advice that can be followed', (format, consistency, seconds, text) => {
  const cause = new Error('aborted');
  const refusal = refusalOfOvertime({ format, consistency }, seconds, cause);
  expect(refusal).toMatchObject({ code: 'source_timeout', cause });
  expect(refusal.message).toContain(text);
});
