import { z } from 'zod';
import { instantSchema } from './instant.ts';
import { sizes, sizeText } from './sizes.ts';

const limitSchema = z.coerce
  .number('must be a number')
  .int('must be a whole number')
  .min(1)
  .max(200);

/** Query parameters that the lists for administrators share. */
export const listQueryFields = {
  cursor: z
    .string()
    .min(1)
    .max(sizes.nameCharacters)
    .optional()
    .meta({ description: 'nextCursor of an earlier response' }),
  limit: limitSchema.default(50),
  from: instantSchema.optional().meta({ description: 'not before this time' }),
  to: instantSchema.optional().meta({ description: 'before this time' }),
};

/** The query of a list whose cursor is the id of its last item. */
export const idPageQuerySchema = z.strictObject({
  cursor: z.uuid('must be a nextCursor of an earlier response').optional(),
  limit: listQueryFields.limit,
});

export const nextCursorSchema = z.string().nullable().meta({ description: 'null: the last page' });

/** Rows of a list as CSV. */
export const maxCsvRows = 10_000;

/** The same for lists that are also CSV. */
export const csvListQueryFields = {
  ...listQueryFields,
  limit: limitSchema.optional().meta({
    description: `by default 50; for CSV all, at most ${sizeText(maxCsvRows)}`,
  }),
};

export const csvNote = `With \`Accept: text/csv\` the same rows as CSV. If there are more, the header \`Link\` has the next page (RFC 8288). A text that a spreadsheet would take for a formula begins with an apostrophe.`;
