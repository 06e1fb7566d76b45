import { z } from 'zod';
import { sizes, sizeText } from './sizes.ts';
import { whereOperators } from './where-operators.ts';

// Strings were measured in bytes before; `maxLength`, in characters, documents that as far as JSON Schema can.
const scalar = z.union([z.string().max(sizes.stringBytes), z.number(), z.boolean(), z.null()]);

export const whereConditionSchema = z.strictObject({
  column: z
    .string()
    .min(1, 'must not be empty')
    .max(sizes.nameCharacters, `must have at most ${sizes.nameCharacters} characters`),
  op: z.enum(whereOperators),
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

/** `any` contains only conditions, no further `any`. */
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

/** Items that must all be true; an `any` is true if one of its conditions is. */
export const whereSchema = z
  .array(whereItemSchema)
  .max(sizes.conditions, tooMany)
  .refine(
    (items) =>
      items.flatMap((item) => ('any' in item ? item.any : [item])).length <= sizes.conditions,
    `${tooMany}, including those of each \`any\``,
  )
  .meta({
    description:
      'conditions that must all be true, or `{any: [conditions]}`, of which one must be; a comparison with NULL is not true, as in SQL. `value`: number, string or boolean by the type of the column (times in ISO 8601, UTC if they have no zone; numbers also as strings, which is required if a double cannot represent them exactly), an array for `in` and `notIn`, the first and the last value for `between`, a boolean for `isNull`; `like` has `%` and `_`, `ilike` ignores case; `isDistinctFrom` treats NULL as a value, and accepts null',
  });
