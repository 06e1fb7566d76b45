import { z } from 'zod';
import type { FieldError } from '../contracts/problem.ts';
import { sizes } from '../contracts/sizes.ts';
import { Refusal, refusedFields } from './errors.ts';
import { faultsOf, fieldOf, readJson } from './json-input.ts';

type Issue = z.core.$ZodIssue;

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
    case 'invalid_union': {
      const meant = branchOf(issue.errors);
      if (meant)
        return meant.flatMap((it) => ofIssue({ ...it, path: [...issue.path, ...it.path] }, known));
      return [{ field, message: ours(issue) ?? 'has a value that is not allowed' }];
    }
    default:
      return [{ field, message: ours(issue) ?? 'has a value that is not allowed' }];
  }
}

/** The one of several objects that was meant: the one that knows its fields. Undefined if it is none of them. */
const branchOf = (branches: readonly Issue[][]): Issue[] | undefined =>
  branches
    .filter((issues) =>
      issues.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'),
    )
    .toSorted((a, b) => unknownIn(a) - unknownIn(b))[0];

const unknownIn = (issues: readonly Issue[]): number =>
  issues
    .filter(({ path }) => path.length === 0)
    .reduce((sum, it) => sum + (it.code === 'unrecognized_keys' ? it.keys.length : 0), 0);

/** zod's own texts begin with a capital, those of our schemas ("must …") do not. */
const ours = (issue: Issue): string | undefined =>
  /^[a-z]/.test(issue.message) ? issue.message : undefined;

/**
 * Parses a JSON value by a schema, at the edge. Throws a `refused_request` that names the fields that are
 * not right, `malformed_body` if it is no JSON object at all or has a string that is no text, `too_large` if
 * it has too many fields.
 * What the schema leaves unread (`z.unknown()`) has to be parsed by another call: its sizes are not known
 * before.
 */
export function parseObject<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refusal('malformed_body', 'The body must be a JSON object.');
  const faults = faultsOf(value, unreadFieldsOf(schema));
  const [noText] = faults.texts;
  if (noText)
    throw new Refusal('malformed_body', `${noText.field || 'The body'} ${noText.message}.`);
  const whole = faults.values.find(({ field }) => field === '');
  if (whole) throw new Refusal('too_large', `The body ${whole.message}.`);
  if (faults.values.length > 0) throw refusedFields(faults.values);
  return parse(schema, value);
}

/** Parses the query parameters of a call by a schema. Throws as `parseObject` does, but no `malformed_body`. */
export function parseQuery<S extends z.ZodType>(
  schema: S,
  query: Record<string, string | undefined>,
): z.output<S> {
  const { texts, values } = faultsOf(query, new Set());
  const faults = [...texts, ...values];
  if (faults.length > 0) throw refusedFields(faults);
  return parse(schema, query);
}

function parse<S extends z.ZodType>(schema: S, value: object): z.output<S> {
  const read = schema.safeParse(value, { reportInput: true });
  if (read.success) return read.data;
  const known = Object.keys(shapeOf(schema));
  throw refusedFields(read.error.issues.flatMap((issue) => ofIssue(issue, known)));
}

/** Of a schema that something is done before: its own. */
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
 * Parses text as a JSON object by a schema. Throws `too_large` for what is too large as a whole, else as
 * `parseObject` does.
 */
export function parseJson<S extends z.ZodType>(
  schema: S,
  text: string,
  mostBytes: number = sizes.requestBytes,
): z.output<S> {
  return parseObject(schema, readJson(text, mostBytes));
}
