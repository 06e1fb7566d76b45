import { z } from 'zod';
import type { FieldError } from '../contracts/problem.ts';
import { Refusal, refusedFields } from './errors.ts';

type Issue = z.core.$ZodIssue;

/** `sources.0` is the field `sources` to the person who filled it in; `where.0.value` keeps its place. */
function fieldOf(path: readonly PropertyKey[]): string {
  const last = path.at(-1);
  return (typeof last === 'number' ? path.slice(0, -1) : path).map(String).join('.');
}

function ofIssue(issue: Issue, known: string[]): FieldError[] {
  const field = fieldOf(issue.path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        field: fieldOf([...issue.path, key]),
        message: 'is not a known field',
        ...(issue.path.length === 0 ? { allowed: known } : {}),
      }));
    case 'invalid_value':
      return [
        { field, message: 'has a value that is not allowed', allowed: issue.values.map(String) },
      ];
    case 'invalid_type':
      return [
        {
          field,
          message: issue.input === undefined ? 'is required' : `must be of type ${issue.expected}`,
        },
      ];
    case 'custom':
      return [{ field, message: issue.message }];
    case 'too_small':
      return [{ field, message: ours(issue) ?? `must be at least ${issue.minimum}` }];
    case 'too_big':
      return [{ field, message: ours(issue) ?? `must be at most ${issue.maximum}` }];
    default:
      return [{ field, message: ours(issue) ?? 'has a value that is not allowed' }];
  }
}

/** zod's own texts begin with a capital, those of our schemas ("must …") do not. */
const ours = (issue: Issue): string | undefined =>
  /^[a-z]/.test(issue.message) ? issue.message : undefined;

/**
 * Parses a JSON value by a schema, at the edge. Throws a `refused_request` that names every field
 * that is not right, or `malformed_body` if it is no JSON object at all.
 */
export function parseObject<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refusal('malformed_body', 'The body must be a JSON object.');
  const read = schema.safeParse(value, { reportInput: true });
  if (read.success) return read.data;
  const known = fieldsOf(schema);
  throw refusedFields(read.error.issues.flatMap((issue) => ofIssue(issue, known)));
}

/** Of a schema that something is done before: its own. */
function fieldsOf(schema: z.core.$ZodType): string[] {
  if (schema instanceof z.ZodPipe) return fieldsOf(schema.out);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** `\u0000` in JSON, not behind a backslash that is escaped itself. PostgreSQL has no such text. */
const nul = /(?<!\\)(?:\\\\)*\\u0000/;

/**
 * Half a surrogate pair, which JSON.stringify alone escapes: no Unicode text, so PostgreSQL has none, and
 * no canonical form (RFC 8785) of what it stands in, so nobody could sign that.
 */
const loneSurrogate = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;

/** Parses text as a JSON object by a schema. */
export function parseJson<S extends z.ZodType>(schema: S, text: string): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Refusal('malformed_body', 'The body is not JSON.', { cause });
  }
  if (nul.test(text))
    throw new Refusal('malformed_body', 'The body has a NUL character (\\u0000) in a text.');
  if (loneSurrogate.test(JSON.stringify(value)))
    throw new Refusal('malformed_body', 'The body has half a surrogate pair (\\ud800) in a text.');
  return parseObject(schema, value);
}
