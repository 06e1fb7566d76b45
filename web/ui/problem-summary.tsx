import { type ReactNode, useEffect, useRef } from 'react';
import { ApiError, describeError } from '../api/errors.ts';
import { Reference } from './panels.tsx';

export interface Problem {
  /** The id of the field; null if it is about none of them. */
  id: string | null;
  message: string;
}

/** Returns the problems of a failed call; `ids` has the ids of the fields by the fields of the request. */
export function problemsOf(error: Error | null, ids: Record<string, string>): Problem[] {
  if (error === null) return [];
  const errors = error instanceof ApiError ? error.problem.errors : undefined;
  if (!errors?.length) return [{ id: null, message: describeError(error).message }];
  return errors.map(({ field, message }) => {
    const [, name = ''] = /^(\w+)/.exec(field) ?? [];
    const id = ids[name] ?? null;
    return { id, message: id === null ? `${field}: ${message}` : sentence(message) };
  });
}

const sentence = (message: string): string =>
  `It ${message}`.replace(/^It is required$/, 'Enter a value').replace(/\.?$/, '.');

export const problemOf = (problems: readonly Problem[], id: string): string | undefined =>
  problems.find((problem) => problem.id === id)?.message;

/** The problems above a form after a failed submit. It takes the focus; its links focus the fields. */
export function ProblemSummary({
  problems,
  reference = null,
}: {
  problems: readonly Problem[];
  reference?: string | null;
}): ReactNode {
  const summary = useRef<HTMLDivElement>(null);
  const text = problems.map(({ message }) => message).join(' ');
  useEffect(() => {
    if (text !== '') summary.current?.focus();
  }, [text]);
  if (problems.length === 0) return null;
  return (
    <div
      ref={summary}
      role="alert"
      tabIndex={-1}
      className="rounded-card border border-danger bg-danger/8 p-4"
    >
      <p className="font-semibold text-danger">There is a problem</p>
      <ul className="mt-1">
        {problems.map(({ id, message }) => (
          <li key={message} className="wrap-anywhere">
            {id === null ? (
              message
            ) : (
              <a
                href={`#${id}`}
                className="control-small inline-flex items-center rounded-control text-danger underline underline-offset-2 hover:no-underline"
                onClick={(event) => {
                  event.preventDefault();
                  document.getElementById(id)?.focus();
                }}
              >
                {message}
              </a>
            )}
          </li>
        ))}
      </ul>
      <Reference id={reference} />
    </div>
  );
}
