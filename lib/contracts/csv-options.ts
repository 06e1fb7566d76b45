import { z } from 'zod';
import { type CsvOptions, csvChoices, plainCsv } from './format-capabilities.ts';
import { sizes } from './sizes.ts';

/** How a CSV file is written. The defaults are those of PostgreSQL's COPY. */
export const csvOptionsSchema = z
  .strictObject({
    delimiter: z.enum(csvChoices.delimiter).default(plainCsv.delimiter),
    decimal: z.enum(csvChoices.decimal).default(plainCsv.decimal).meta({
      description:
        'decimal mark of `numeric`, `real` and `double precision`; if it is the delimiter as well, such a number is quoted',
    }),
    nullText: z
      .string()
      .max(sizes.nullTextCharacters, `must have at most ${sizes.nullTextCharacters} characters`)
      .regex(/^[ -~]*$/, 'must consist of printable ASCII characters')
      .refine((text) => !text.includes('"'), 'must not contain a quote, which starts a value')
      .refine((text) => text !== '\\.', 'must not be \\., which ends the data for psql')
      .default(plainCsv.nullText)
      .meta({
        description: 'the text for NULL, unquoted; a value with the same text is quoted',
      }),
    quote: z.enum(csvChoices.quote).default(plainCsv.quote).meta({
      description:
        'minimal: only values that need quotes; all: every value except NULL, and the column names',
    }),
    newline: z
      .enum(csvChoices.newline)
      .default(plainCsv.newline)
      .meta({ description: 'the end of a row; line ends within a value do not change' }),
  })
  .refine(({ delimiter, nullText }) => !nullText.includes(delimiter), {
    path: ['nullText'],
    message: 'must not contain the delimiter, which ends a value',
  });
export const isPlainCsv = (options: CsvOptions): boolean =>
  options.delimiter === plainCsv.delimiter &&
  options.decimal === plainCsv.decimal &&
  options.nullText === plainCsv.nullText &&
  options.quote === plainCsv.quote &&
  options.newline === plainCsv.newline;

/** Returns whether spreadsheets would read the text for NULL as a formula. A single `-`, a usual text for NULL, is no formula. */
export const wouldBeFormula = (nullText: string): boolean =>
  nullText !== '-' && /^[-=+@]/.test(nullText);
