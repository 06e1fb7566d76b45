import { expect, test } from '@jest/globals';
import type { Code } from '../../lib/contracts/codes.ts';
import { ApiError } from '../api/errors.ts';
import { errorsOf } from './problems.ts';

const problemOf = (code: Code, status: number) =>
  new ApiError(
    {
      type: `urn:streamsync:problem:${code}`,
      title: 'Title',
      status,
      detail: 'Detail.',
      code,
      requestId: 'id',
    },
    null,
  );

test('what is too large as a whole can only be made smaller: pressing again is not offered', () => {
  const { errors, reference } = errorsOf(problemOf('too_large', 413));
  expect(errors).toEqual([
    { field: null, message: 'That is more than one request may hold. Choose less.' },
  ]);
  expect(reference).toBeNull();
  expect(errorsOf(problemOf('unavailable', 503)).errors[0]?.message).toContain(
    'press Export again',
  );
});

test('a field that is too large is told beside it', () => {
  const refused = problemOf('refused_request', 422);
  refused.problem.errors = [
    { field: 'columns', message: 'must name at most 1,600 columns' },
    { field: 'where.0.value', message: 'must have at most 8,192 bytes' },
  ];
  expect(errorsOf(refused).errors).toEqual([
    { field: 'columns', message: 'Columns: must name at most 1,600 columns' },
    { field: 'conditions', message: 'Condition 1: must have at most 8,192 bytes' },
  ]);
});
