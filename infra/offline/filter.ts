/**
 * The filters of an event source mapping: the rules that Lambda documents for them, a part of EventBridge's patterns.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax
 *
 * A pattern is {"value": …}: an object for values that are JSON objects, or a list of rules for values that are other
 * text. A record whose value has another form, is not UTF-8, or is absent, is not delivered.
 */
import { z } from 'zod';

/** Returns whether a value has what a pattern asks for; `undefined` is the value of a field that is absent. */
type Matcher = (value: unknown) => boolean;

/** Returns whether a mapping delivers a record with this value. */
export type Filter = (value: Buffer | null) => boolean;

const operators = {
  '=': (a: number, b: number) => a === b,
  '<': (a: number, b: number) => a < b,
  '<=': (a: number, b: number) => a <= b,
  '>': (a: number, b: number) => a > b,
  '>=': (a: number, b: number) => a >= b,
};
const operatorSchema = z.enum(['=', '<', '<=', '>', '>=']);

const scalarSchema = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const textOrNumberSchema = z.union([z.string(), z.number()]);

const ruleSchema = z.union([
  scalarSchema.transform(
    (expected): Matcher =>
      (value) =>
        value === expected,
  ),
  z.strictObject({ prefix: z.string() }).transform(
    ({ prefix }): Matcher =>
      (value) =>
        isText(value) && value.startsWith(prefix),
  ),
  z.strictObject({ suffix: z.string() }).transform(
    ({ suffix }): Matcher =>
      (value) =>
        isText(value) && value.endsWith(suffix),
  ),
  z.strictObject({ 'equals-ignore-case': z.string() }).transform((rule): Matcher => {
    const expected = rule['equals-ignore-case'].toLowerCase();
    return (value) => isText(value) && value.toLowerCase() === expected;
  }),
  z
    .strictObject({
      'anything-but': z.union([textOrNumberSchema, z.array(textOrNumberSchema).min(1)]),
    })
    .transform((rule): Matcher => {
      const refused = new Set<unknown>([rule['anything-but']].flat());
      return (value) => value !== undefined && !refused.has(value);
    }),
  z
    .strictObject({
      numeric: z.union([
        z.tuple([operatorSchema, z.number()]),
        z.tuple([operatorSchema, z.number(), operatorSchema, z.number()]),
      ]),
    })
    .transform(({ numeric: [first, a, second, b] }): Matcher => {
      const isWithin = (value: number): boolean =>
        operators[first](value, a) &&
        (second === undefined || b === undefined || operators[second](value, b));
      return (value) => typeof value === 'number' && isWithin(value);
    }),
  z.strictObject({ exists: z.boolean() }).transform(
    ({ exists }): Matcher =>
      (value) =>
        (value !== undefined) === exists,
  ),
]);

const fieldsSchema = z.record(z.string(), z.unknown());

const isText = (value: unknown): value is string => typeof value === 'string';

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Of a list, one element has to match. */
const ofAny =
  (matches: Matcher): Matcher =>
  (value) =>
    Array.isArray(value) && value.length > 0 ? value.some(matches) : matches(value);

/** Thrown with the place of what is no rule. */
class PatternError extends Error {}

function compileRules(rules: readonly unknown[], place: string): Matcher {
  if (rules.length === 0) throw new PatternError(`${place}: has no rule`);
  const matchers = rules.map((rule) => {
    const { data } = ruleSchema.safeParse(rule);
    if (data === undefined)
      throw new PatternError(`${place}: ${JSON.stringify(rule)} is no rule of Lambda's filters`);
    return data;
  });
  return ofAny((value) => matchers.some((matches) => matches(value)));
}

function compileFields(pattern: unknown, place: string): Matcher {
  const { data: fields } = fieldsSchema.safeParse(pattern);
  if (fields === undefined || Object.keys(fields).length === 0)
    throw new PatternError(`${place}: is neither a list of rules nor an object with fields`);
  const matchers = Object.entries(fields).map(([name, expected]): Matcher => {
    const inner = `${place}.${name}`;
    if (name === '$or') {
      if (!Array.isArray(expected) || expected.length === 0)
        throw new PatternError(`${inner}: is no list of patterns`);
      const choices = expected.map((each, index) => compileFields(each, `${inner}.${index}`));
      return (value) => choices.some((matches) => matches(value));
    }
    const matches = Array.isArray(expected)
      ? compileRules(expected, inner)
      : compileFields(expected, inner);
    return (value) =>
      matches(isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined);
  });
  return ofAny((value) => matchers.every((matches) => matches(value)));
}

/** Returns the JSON object in a text, else the text. */
function contentOf(text: string): unknown {
  try {
    const content: unknown = JSON.parse(text);
    return typeof content === 'object' && content !== null ? content : text;
  } catch {
    return text;
  }
}

/** Returns the text of bytes, undefined if they are not UTF-8. */
function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function compile(pattern: unknown): Filter {
  const { data, error } = z.strictObject({ value: z.unknown() }).safeParse(pattern);
  if (error !== undefined || data.value === undefined)
    throw new PatternError('a filter of Kafka records has one key, "value"');
  const isOfText = Array.isArray(data.value);
  const matches = isOfText
    ? compileRules(z.array(z.unknown()).parse(data.value), 'value')
    : compileFields(data.value, 'value');
  return (bytes) => {
    const text = bytes === null ? undefined : textOf(bytes);
    if (text === undefined) return false;
    const content = contentOf(text);
    return isText(content) === isOfText && matches(content);
  };
}

/** A pattern of `filterPatterns` as its filter. */
export const filterSchema = z.unknown().transform((pattern, context): Filter => {
  try {
    return compile(pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});
