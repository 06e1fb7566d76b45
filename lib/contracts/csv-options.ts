import { z } from 'zod';
import { type CsvOptions, csvChoices, plainCsv } from './format-capabilities.ts';
import { sizes } from './sizes.ts';

/** How a CSV is written where it is not to be as PostgreSQL's COPY does by itself. */
export const csvOptionsSchema = z
  .strictObject({
    delimiter: z.enum(csvChoices.delimiter).default(plainCsv.delimiter),
    decimal: z.enum(csvChoices.decimal).default(plainCsv.decimal).meta({
      description:
        'of `numeric`, `real` and `double precision`; where it is the delimiter as well, such a number is between quotes',
    }),
    nullText: z
      .string()
      .max(sizes.nullTextCharacters, `must have at most ${sizes.nullTextCharacters} characters`)
      .regex(/^[ -~]*$/, 'must be of printable ASCII characters')
      .refine((text) => !text.includes('"'), 'must not contain a quote, which begins a value')
      .refine((text) => text !== '\\.', 'must not be \\., which ends the data for psql')
      .default(plainCsv.nullText)
      .meta({
        description: 'what stands for NULL, without quotes; a text that is the same has them',
      }),
    quote: z.enum(csvChoices.quote).default(plainCsv.quote).meta({
      description: 'minimal: values that need it; all: all but NULL, and the names of the columns',
    }),
    newline: z
      .enum(csvChoices.newline)
      .default(plainCsv.newline)
      .meta({ description: 'behind a row; what is inside of a value stays as it is' }),
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

/** A lone `-` is usual for "nothing", and a text to every program. */
export const wouldBeFormula = (nullText: string): boolean =>
  nullText !== '-' && /^[-=+@]/.test(nullText);
