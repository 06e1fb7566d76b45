import type { Problem } from '../../lib/contracts/problem.ts';

/** The API answered with a problem (RFC 9457). `retryAfterSeconds`: from `Retry-After`, null without. */
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

/** Nothing that speaks for StreamSync answered: no connection, or a gateway in between. */
export class UnreachableError extends Error {
  override name = 'UnreachableError';
}

export const isStatus = (error: unknown, ...statuses: number[]): error is ApiError =>
  error instanceof ApiError && statuses.includes(error.problem.status);

/** What to show of a failure: one sentence or two, and the reference to give to an administrator. */
export interface Failure {
  message: string;
  reference: string | null;
}

export function describe(error: unknown): Failure {
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
  // What the API says of it is about bytes, which nobody chooses here.
  if (problem.code === 'too_large')
    return { message: 'That is more than one request may hold. Choose less.', reference: null };
  return { message: problem.detail || problem.title, reference: problem.requestId };
}

/** Whether asking again may help; a refusal stays one. */
export const mayPass = (error: unknown): boolean =>
  error instanceof UnreachableError || (error instanceof ApiError && error.problem.status >= 500);
