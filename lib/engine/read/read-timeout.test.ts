import { expect, test } from '@jest/globals';
import { overtimeError } from './read-timeout.ts';

test.each([
  ['csv', 'snapshot', 720, 'longer than 12 minutes. Export it as resumable'],
  // A resumable export is one already, and a workbook cannot be one.
  ['csv', 'resumable', 720, 'longer than 12 minutes. Export a shorter range, or'],
  ['xlsx', 'snapshot', 20, 'longer than 20 seconds. Export a shorter range, or'],
] as const)(
  'overtimeError advises on a %s %s export what can be done',
  (format, consistency, seconds, text) => {
    const cause = new Error('aborted');
    const error = overtimeError({ format, consistency }, seconds, cause);
    expect(error).toMatchObject({ code: 'source_timeout', cause });
    expect(error.message).toContain(text);
  },
);
