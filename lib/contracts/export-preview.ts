import { z } from 'zod';

export const mostPreviewRows = 20;

const count = z.int().nonnegative();

/** The first rows of a file that is not made. */
export const exportPreviewSchema = z.object({
  columns: z.array(
    z.object({
      name: z.string(),
      databaseType: z.string(),
      fileType: z.string().meta({ description: 'what it becomes, in terms of the format' }),
    }),
  ),
  rows: z.array(z.array(z.string().nullable())).max(mostPreviewRows).meta({
    description:
      'each value as a reader of the file has it, written down: null where the file has none (NULL), strings without quotes, numbers as they stand there',
  }),
  cut: z
    .array(z.object({ row: count, column: count, characters: count }))
    .meta({ description: 'the values that are shown in part, and how long they are in the file' }),
  tooLarge: z.boolean().meta({
    description: 'the rows are so large that not all of the first ones were read',
  }),
  text: z.string().nullable().meta({
    description:
      'how the file begins, before it is compressed; null of xlsx and parquet, which are no text',
  }),
  textCut: z.boolean().meta({ description: '`text` ends before the last of the rows does' }),
});
export type ExportPreview = z.infer<typeof exportPreviewSchema>;
