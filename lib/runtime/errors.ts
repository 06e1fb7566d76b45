import { type Code, codes } from '../contracts/codes.ts';
import type { FieldError, Problem } from '../contracts/problem.ts';
import { shortened, sizes, sizeText } from '../contracts/sizes.ts';

interface Details {
  errors?: FieldError[];
  retryAfterSeconds?: number;
  cause?: unknown;
}

/**
 * The one error type: something we say no to, or could not do, by its code. `message` is written for
 * the person who asked: what happened, what was kept, what to do next. It is of a bounded size, whatever
 * it repeats of what was sent.
 */
export class Refusal extends Error {
  readonly code: Code;
  readonly errors: FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: Code, message: string, details: Details = {}) {
    super(shortened(message, sizes.detailCharacters), { cause: details.cause });
    this.name = 'Refusal';
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

/** A refusal of named fields. The message repeats them, for clients that show only that. */
export function refusedFields(errors: FieldError[]): Refusal {
  const sentences = bounded(errors).map(({ field, message }) => `${field} ${message}`);
  const more = errors.length - sentences.length;
  if (more > 0) sentences.push(`and ${sizeText(more)} more`);
  return new Refusal('refused_request', `${sentences.join('; ')}.`, { errors });
}

/** The first fields, with short texts; values that are allowed for several of them only at the first. */
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
