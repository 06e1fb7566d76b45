import { expect, test } from '@jest/globals';
import type { Code } from '../../lib/contracts/codes.ts';
import { ApiError } from '../api/errors.ts';
import { errorsOf } from './api-errors.ts';

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

test('errorsOf does not advise another press when the request is too large', () => {
  const { errors, reference } = errorsOf(problemOf('too_large', 413));
  expect(errors).toEqual([
    {
      field: null,
      message: 'The request is too large. Choose fewer columns, conditions or values.',
    },
  ]);
  expect(reference).toBeNull();
  expect(errorsOf(problemOf('unavailable', 503)).errors[0]?.message).toContain(
    'press Export again',
  );
});

test('errorsOf assigns each error of a field to its field of the form', () => {
  const invalid = problemOf('invalid_request', 422);
  invalid.problem.errors = [
    { field: 'columns', message: 'must name at most 1,600 columns' },
    { field: 'where.0.value', message: 'must have at most 8,192 bytes' },
  ];
  expect(errorsOf(invalid).errors).toEqual([
    { field: 'columns', message: 'Columns: must name at most 1,600 columns' },
    { field: 'conditions', message: 'Condition 1: must have at most 8,192 bytes' },
  ]);
});
