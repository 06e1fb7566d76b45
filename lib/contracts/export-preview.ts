import { z } from 'zod';

export const maxPreviewRows = 20;

const count = z.int().nonnegative();

/** The first rows that the file of an export would have. */
export const exportPreviewSchema = z.object({
  columns: z.array(
    z.object({
      name: z.string(),
      databaseType: z.string(),
      fileType: z.string().meta({ description: 'its type in the file, in terms of the format' }),
    }),
  ),
  rows: z.array(z.array(z.string().nullable())).max(maxPreviewRows).meta({
    description:
      'each value as text, as a reader of the file sees it: null for NULL, strings without quotes, numbers as in the file',
  }),
  cut: z.array(z.object({ row: count, column: count, characters: count })).meta({
    description: 'the values that are shortened in `rows`, with their length in the file',
  }),
  tooLarge: z.boolean().meta({
    description: 'the rows are so large that fewer of them were read',
  }),
  text: z.string().nullable().meta({
    description:
      'the beginning of the file, before compression; null for xlsx and parquet, which are not text',
  }),
  textCut: z.boolean().meta({ description: '`text` ends before the last row' }),
});
export type ExportPreview = z.infer<typeof exportPreviewSchema>;
