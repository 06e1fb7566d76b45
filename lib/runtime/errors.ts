import { type Code, codes } from '../contracts/codes.ts';
import type { FieldError, Problem } from '../contracts/problem.ts';
import { shortened, sizes, sizeText } from '../contracts/sizes.ts';

interface Details {
  errors?: FieldError[];
  retryAfterSeconds?: number;
  cause?: unknown;
}

/**
 * The error type for everything that a caller learns: a rejected request, or work that failed. `message` is written for
 * the caller: what happened, what it means, what to do. Its size is limited, even if it repeats input.
 */
export class AppError extends Error {
  readonly code: Code;
  readonly errors: FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: Code, message: string, details: Details = {}) {
    super(shortened(message, sizes.detailCharacters), { cause: details.cause });
    this.name = 'AppError';
    this.code = code;
    this.errors = details.errors && bounded(details.errors);
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

/** Returns an error for wrong fields. Its message repeats them, for clients that show only the message. */
export function invalidFields(errors: FieldError[]): AppError {
  const sentences = bounded(errors).map(({ field, message }) => `${field} ${message}`);
  const more = errors.length - sentences.length;
  if (more > 0) sentences.push(`and ${sizeText(more)} more`);
  return new AppError('invalid_request', `${sentences.join('; ')}.`, { errors });
}

/** Returns the first `sizes.errors` fields with shortened texts. Equal lists of allowed values appear once. */
function bounded(errors: readonly FieldError[]): FieldError[] {
  const listed = new Set<string>();
  return errors.slice(0, sizes.errors).map(({ field, message, allowed }) => {
    const error: FieldError = {
      field: shortened(field, sizes.errorCharacters),
      message: shortened(message, sizes.errorCharacters),
    };
    if (!allowed) return error;
    const values = allowed
      .filter((value) => value.length <= sizes.errorCharacters)
      .slice(0, sizes.allowedValues);
    const list = JSON.stringify(values);
    if (listed.has(list)) return error;
    listed.add(list);
    return { ...error, allowed: values };
  });
}

/** Returns the code of an error of Node, PostgreSQL (SQLSTATE) or the AWS SDK, which is in `code` or `name`. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof AggregateError) return errorCode(error.errors[0]);
  return 'name' in error && typeof error.name === 'string' ? error.name : undefined;
}

/** Returns the message of an error; of an `AggregateError` without a message, that of its first error. */
export function errorMessage(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return errorMessage(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}

/**
 * Returns the fields of an error for the log. Errors of drivers also have their client, its connection and its
 * parameters, which must not be logged.
 */
export function serializeError(error: unknown): Record<string, unknown> {
  return {
    code: errorCode(error),
    message: errorMessage(error),
    stack: error instanceof Error ? error.stack : undefined,
    ...(error instanceof Error && error.cause !== undefined
      ? { cause: serializeError(error.cause) }
      : {}),
  };
}
