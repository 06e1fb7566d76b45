import { z } from 'zod';
import type { FieldError } from '../contracts/problem.ts';
import { sizes } from '../contracts/sizes.ts';
import { AppError, invalidFields } from './errors.ts';
import { faultsOf, fieldOf, readJson } from './json-input.ts';

type Issue = z.core.$ZodIssue;

function toFieldErrors(issue: Issue, known: string[]): FieldError[] {
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
      return [{ field, message: ownMessage(issue) ?? `must be at least ${issue.minimum}` }];
    case 'too_big':
      return [{ field, message: ownMessage(issue) ?? `must be at most ${issue.maximum}` }];
    case 'invalid_union': {
      const meant = branchOf(issue.errors);
      if (meant)
        return meant.flatMap((inner) =>
          toFieldErrors({ ...inner, path: [...issue.path, ...inner.path] }, known),
        );
      return [{ field, message: ownMessage(issue) ?? 'has a value that is not allowed' }];
    }
    default:
      return [{ field, message: ownMessage(issue) ?? 'has a value that is not allowed' }];
  }
}

/** Returns the issues of the branch of a union that knows most of the object's fields, undefined if the value is no object. */
const branchOf = (branches: readonly Issue[][]): Issue[] | undefined =>
  branches
    .filter((issues) =>
      issues.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'),
    )
    .toSorted((a, b) => unknownIn(a) - unknownIn(b))[0];

const unknownIn = (issues: readonly Issue[]): number =>
  issues
    .filter(({ path }) => path.length === 0)
    .reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 0), 0);

/** Returns the message of our schema ("must …"), undefined for a message of zod, which starts with a capital. */
const ownMessage = (issue: Issue): string | undefined =>
  /^[a-z]/.test(issue.message) ? issue.message : undefined;

/**
 * Parses a JSON value by a schema. Throws `invalid_request` with the wrong fields, `malformed_body` if the value is not
 * an object or has a string that is not valid text, and `too_large` if it has too many fields. A field of the schema
 * that is `z.unknown()` must be parsed by another call: its sizes are not checked here.
 */
export function parseObject<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AppError('malformed_body', 'The body must be a JSON object.');
  const faults = faultsOf(value, unreadFieldsOf(schema));
  const [badText] = faults.texts;
  if (badText)
    throw new AppError('malformed_body', `${badText.field || 'The body'} ${badText.message}.`);
  const whole = faults.values.find(({ field }) => field === '');
  if (whole) throw new AppError('too_large', `The body ${whole.message}.`);
  if (faults.values.length > 0) throw invalidFields(faults.values);
  return parse(schema, value);
}

/** Parses the query parameters of a call by a schema. Throws `invalid_request`. */
export function parseQuery<S extends z.ZodType>(
  schema: S,
  query: Record<string, string | undefined>,
): z.output<S> {
  const { texts, values } = faultsOf(query, new Set());
  const faults = [...texts, ...values];
  if (faults.length > 0) throw invalidFields(faults);
  return parse(schema, query);
}

function parse<S extends z.ZodType>(schema: S, value: object): z.output<S> {
  const read = schema.safeParse(value, { reportInput: true });
  if (read.success) return read.data;
  const known = Object.keys(shapeOf(schema));
  throw invalidFields(read.error.issues.flatMap((issue) => toFieldErrors(issue, known)));
}

/** Returns the fields of an object schema, also of one with a preprocessing step. */
function shapeOf(schema: z.core.$ZodType): Readonly<Record<string, z.core.$ZodType>> {
  if (schema instanceof z.ZodPipe) return shapeOf(schema.out);
  return schema instanceof z.ZodObject ? schema.shape : {};
}

function unreadFieldsOf(schema: z.core.$ZodType): ReadonlySet<string> {
  const unread = Object.entries(shapeOf(schema)).filter(([, field]) => isUnread(field));
  return new Set(unread.map(([name]) => name));
}

const isUnread = (field: z.core.$ZodType): boolean =>
  field instanceof z.ZodOptional ? isUnread(field.unwrap()) : field instanceof z.ZodUnknown;

/**
 * Parses text as a JSON object by a schema. Throws `too_large` if the text has more than `maxBytes` or is nested too
 * deeply, and what `parseObject` throws.
 */
export function parseJson<S extends z.ZodType>(
  schema: S,
  text: string,
  maxBytes: number = sizes.requestBytes,
): z.output<S> {
  return parseObject(schema, readJson(text, maxBytes));
}
