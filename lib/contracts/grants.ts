import { z } from 'zod';
import { sizes, sizeText } from './sizes.ts';
import { whereSchema } from './where.ts';

/** What an account sees of a column: its values, nothing, a mask in place of each value, or a hash of each value. */
const columnPolicies = ['allow', 'drop', 'mask', 'hash'] as const;
export type ColumnPolicy = (typeof columnPolicies)[number];

const nameSchema = z
  .string()
  .min(1, 'must not be empty')
  .max(sizes.nameCharacters, `must have at most ${sizes.nameCharacters} characters`);

const columnsSchema = z
  .record(nameSchema, z.enum(columnPolicies))
  .refine(
    (columns) => Object.keys(columns).length <= sizes.objectFields,
    `must name at most ${sizeText(sizes.objectFields)} columns`,
  );

/** zod leaves out a field of this name, so that the policy of such a column would be lost. */
const unusableName = '__proto__';

/** All datasets of a source that have no grant of their own. */
export const anyDataset = '*';

const grantSchema = z.strictObject({
  source: nameSchema.meta({ description: 'a source of the configuration' }),
  dataset: nameSchema.meta({
    description: 'a dataset, or `*`: every dataset of the source without a grant of its own',
  }),
  columns: z
    .unknown()
    .refine(
      (columns) =>
        typeof columns !== 'object' || columns === null || !Object.hasOwn(columns, unusableName),
      `cannot name ${unusableName}`,
    )
    .pipe(columnsSchema)
    .default({})
    .meta({
      type: 'object',
      additionalProperties: { type: 'string', enum: [...columnPolicies] },
      description:
        'by column: `allow` (as a column that is not named), `drop` (the column does not exist for the account), `mask` (`***` in place of a text, NULL in place of any other value) or `hash` (HMAC-SHA-256 of the text of the value, in hexadecimal digits). A NULL stays NULL',
    }),
  where: whereSchema.default([]),
});
export type Grant = z.infer<typeof grantSchema>;

const isNamedBefore = (grants: readonly Grant[], n: number): boolean =>
  grants
    .slice(0, n)
    .some((it) => it.source === grants[n]?.source && it.dataset === grants[n]?.dataset);

/** The rights of an account, all of them. */
export const grantsSchema = z.strictObject({
  grants: z
    .array(grantSchema)
    .max(sizes.grants, `must be at most ${sizes.grants} grants`)
    .superRefine((grants, context) => {
      for (const n of grants.keys())
        if (isNamedBefore(grants, n))
          context.addIssue({
            code: 'custom',
            path: [n, 'dataset'],
            message: 'has two grants in one source',
          });
    }),
});
export type Grants = z.infer<typeof grantsSchema>;

/** A grant as clients see it. Absent fields are empty. */
export const accountGrantSchema = z.object({
  source: z.string(),
  dataset: z.string().meta({ description: '`*`: every dataset of the source' }),
  columns: z.record(z.string(), z.enum(columnPolicies)).optional(),
  where: whereSchema.optional(),
});
export type AccountGrant = z.infer<typeof accountGrantSchema>;

export const accountGrantsSchema = z.object({ grants: z.array(accountGrantSchema) });

export const grantsExample: z.infer<typeof accountGrantsSchema> = {
  grants: [
    { source: 'iot', dataset: anyDataset },
    {
      source: 'sales',
      dataset: 'customers',
      columns: { name: 'drop', email: 'hash', phone: 'mask' },
      where: [{ column: 'country', op: 'in', value: ['AT', 'CH', 'DE'] }],
    },
  ],
};
