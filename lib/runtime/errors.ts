import { type Code, codes } from '../contracts/codes.ts';
import type { FieldError, Problem } from '../contracts/problem.ts';

interface Details {
  errors?: FieldError[];
  retryAfterSeconds?: number;
  cause?: unknown;
}

/**
 * The one error type: something we say no to, or could not do, by its code. `message` is written for
 * the person who asked: what happened, what was kept, what to do next.
 */
export class Refusal extends Error {
  readonly code: Code;
  readonly errors: FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: Code, message: string, details: Details = {}) {
    super(message, { cause: details.cause });
    this.name = 'Refusal';
    this.code = code;
    this.errors = details.errors;
    this.retryAfterSeconds =
      details.retryAfterSeconds ?? (codes[code].status === 503 ? 5 : undefined);
  }

  get status(): number {
    return codes[this.code].status;
  }

  toProblem(requestId: string): Problem {
    return {
      type: `urn:streamsync:problem:${this.code}`,
      title: codes[this.code].title,
      status: this.status,
      detail: this.message,
      code: this.code,
      requestId,
      ...(this.errors === undefined ? {} : { errors: this.errors }),
    };
  }
}

/** A refusal of named fields. The message repeats them, for clients that show only that. */
export function refusedFields(errors: FieldError[]): Refusal {
  const sentences = errors.map(({ field, message }) => `${field} ${message}`);
  return new Refusal('refused_request', `${sentences.join('; ')}.`, { errors });
}

/** Codes of Node, PostgreSQL (SQLSTATE) and the AWS SDK all live in `code` or `name`. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return 'name' in error && typeof error.name === 'string' ? error.name : undefined;
}

export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}

/**
 * What of an error goes into the log. Errors of drivers carry their client, its connection and its
 * parameters along: none of that is for a log.
 */
export function forLog(error: unknown): Record<string, unknown> {
  return {
    code: codeOf(error),
    message: messageOf(error),
    stack: error instanceof Error ? error.stack : undefined,
    ...(error instanceof Error && error.cause !== undefined ? { cause: forLog(error.cause) } : {}),
  };
}
