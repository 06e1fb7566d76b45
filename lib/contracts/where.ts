import { z } from 'zod';
import { sizes, sizeText } from './sizes.ts';

// Strings are measured in bytes before they come here: `maxLength` says it as far as JSON Schema can.
const scalar = z.union([z.string().max(sizes.stringBytes), z.number(), z.boolean(), z.null()]);

export const operators = [
  'eq',
  'ne',
  'lt',
  'lte',
  'gt',
  'gte',
  'between',
  'in',
  'notIn',
  'like',
  'ilike',
  'isNull',
  'isDistinctFrom',
] as const;
export type Operator = (typeof operators)[number];

export const whereConditionSchema = z.strictObject({
  column: z
    .string()
    .min(1, 'must not be empty')
    .max(sizes.nameCharacters, `must have at most ${sizes.nameCharacters} characters`),
  op: z.enum(operators),
  value: z.union([
    scalar,
    z
      .array(scalar)
      .min(1, 'must have at least one value')
      .max(sizes.listValues, `must have at most ${sizeText(sizes.listValues)} values`),
  ]),
});
export type WhereCondition = z.infer<typeof whereConditionSchema>;

const tooMany = `must have at most ${sizes.conditions} conditions`;

/** One level deep: what is in `any` is conditions. */
const whereItemSchema = z.union([
  whereConditionSchema,
  z.strictObject({
    any: z
      .array(whereConditionSchema)
      .min(1, 'must have at least one condition')
      .max(sizes.conditions, tooMany),
  }),
]);
export type WhereItem = z.infer<typeof whereItemSchema>;

/** The conditions that all have to hold; of those of an `any` one. */
export const whereSchema = z
  .array(whereItemSchema)
  .max(sizes.conditions, tooMany)
  .refine(
    (items) =>
      items.flatMap((item) => ('any' in item ? item.any : [item])).length <= sizes.conditions,
    `${tooMany}, those of each \`any\` counted`,
  )
  .meta({
    description:
      'conditions that all have to hold, or `{any: [conditions]}`, of which one has to; a comparison with NULL does not, as in SQL. `value`: number, string or boolean by the type of the column (times in ISO 8601, UTC if they have no zone; numbers also as strings, which those have to be that a double does not hold exactly), an array for `in` and `notIn`, the first and the last value for `between`, a boolean for `isNull`; `like` has `%` and `_`, `ilike` the same in upper or lower case; `isDistinctFrom` takes NULLs for values, and null for one',
  });
