import type { Problem } from '../../lib/contracts/problem.ts';

/** The API answered with a problem (RFC 9457). `retryAfterSeconds` is from `Retry-After`, or null. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly problem: Problem;
  readonly retryAfterSeconds: number | null;

  constructor(problem: Problem, retryAfterSeconds: number | null) {
    super(problem.detail);
    this.problem = problem;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** StreamSync did not answer: there was no connection, or a gateway answered in its place. */
export class UnreachableError extends Error {
  override name = 'UnreachableError';
}

export const isStatus = (error: unknown, ...statuses: number[]): error is ApiError =>
  error instanceof ApiError && statuses.includes(error.problem.status);

/** The text of an error, and the reference for an administrator. */
export interface Failure {
  message: string;
  reference: string | null;
}

export function describeError(error: unknown): Failure {
  if (error instanceof UnreachableError)
    return { message: 'StreamSync does not answer.', reference: null };
  if (!(error instanceof ApiError))
    return { message: 'Something failed in this page. Reload it.', reference: null };
  const { problem, retryAfterSeconds } = error;
  if (problem.status === 429)
    return {
      message: `${problem.detail || 'Too many requests.'} Wait ${retryAfterSeconds ?? 30} seconds.`,
      reference: null,
    };
  // The detail of this problem is about bytes, which are not a choice of the form.
  if (problem.code === 'too_large')
    return {
      message: 'The request is too large. Choose fewer columns, conditions or values.',
      reference: null,
    };
  return { message: problem.detail || problem.title, reference: problem.requestId };
}

/** Returns whether another attempt may succeed. A 4xx would fail again. */
export const isTransient = (error: unknown): boolean =>
  error instanceof UnreachableError || (error instanceof ApiError && error.problem.status >= 500);
