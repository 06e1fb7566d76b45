import { z } from 'zod';
import { csvOptionsSchema, isPlainCsv, wouldBeFormula } from './csv-options.ts';
import {
  capabilitiesOf,
  compressions,
  consistencies,
  formats,
  ownFields,
  parquetTypes,
  profiles,
} from './format-capabilities.ts';
import { instantSchema, isAfter } from './instant.ts';
import { sizes, sizeText } from './sizes.ts';
import { whereSchema } from './where.ts';

/**
 * By IANA, so that it means the same to PostgreSQL: Intl also takes offsets, whose sign POSIX turns round,
 * and abbreviations of ICU's own (IST is another hour to each of them).
 */
const knownTimeZone = (zone: string): boolean => {
  if (!/^[A-Za-z]/.test(zone)) return false;
  if (/^[A-Za-z]{3}$/.test(zone) && !/^([CEMW]ET|[EMH]ST|GMT|UTC|UCT|PRC|RO[CK])$/i.test(zone))
    return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
};

/** A name, and the message where it is longer than any database has one. */
const nameSchema = (message: string) =>
  z.string().min(1, 'must not be empty').max(sizes.nameCharacters, message);

const oneName = nameSchema(`must have at most ${sizes.nameCharacters} characters`);
const listOfNames = z.array(
  nameSchema(`must have at most ${sizes.nameCharacters} characters each`),
);

/** What may be sent. */
export const exportRequestFields = z
  .strictObject({
    sources: listOfNames
      .min(1, 'must name a source')
      .max(sizes.sources, `must name at most ${sizes.sources} sources`)
      .refine((names) => new Set(names).size === names.length, 'names a source twice')
      .meta({
        description:
          'the databases to read, which have the same dataset; of more than one the rows stand behind each other, with the leading column `_source`',
      }),
    dataset: oneName.meta({ description: 'table, or schema.table outside the schema public' }),
    from: instantSchema.optional().meta({ description: 'first instant, inclusive' }),
    to: instantSchema.optional().meta({ description: 'last instant, exclusive' }),
    format: z.enum(formats),
    columns: listOfNames
      .min(1, 'must name at least one column, or be left out for all')
      .max(sizes.objectFields, `must name at most ${sizeText(sizes.objectFields)} columns`)
      .refine((names) => new Set(names).size === names.length, 'names a column twice')
      .optional()
      .meta({ description: 'columns in the order of the file; all when absent' }),
    where: whereSchema.optional(),
    compression: z.enum(compressions).default('none').meta({
      description:
        'of xlsx, which is compressed as it is: none; of parquet zstd where it is absent; snappy is for parquet alone',
    }),
    profile: z.enum(profiles).default('machine').meta({
      description:
        'spreadsheet, for csv and xlsx: for people, with times in `timeZone`; the default of xlsx',
    }),
    timeZone: oneName
      .refine(knownTimeZone, 'must be an IANA time zone')
      .default('UTC')
      .meta({ description: 'of the profile spreadsheet' }),
    timeOffset: z.boolean().optional().meta({
      description:
        'of the profile spreadsheet: true writes an instant as text with its offset, `2024-10-27 02:30:00+01:00`, which tells the two apart that the clocks of `timeZone` show alike in autumn',
    }),
    order: z.enum(['any', 'time']).default('any').meta({
      description: 'time: by the time column, rows without a time last',
    }),
    consistency: z.enum(consistencies).default('snapshot').meta({
      description:
        'snapshot: all rows as of one moment, read within 12 minutes; resumable, for all formats but xlsx: of any size, read in units with a moment of their own each',
    }),
    csv: csvOptionsSchema.optional().meta({
      description:
        'of csv alone: how it is written. What is left out is as in `{"delimiter": ",", "decimal": ".", "nullText": "", "quote": "minimal", "newline": "lf"}`, and so is all of it',
    }),
    parquetTypes: z.enum(parquetTypes).optional().meta({
      description:
        'of parquet alone: portable writes uuid, time, json and jsonb as STRING, for readers that refuse a file with their types; native, which is the same as leaving it out, by their types',
    }),
    ttlSeconds: z.int().min(60).max(2_592_000).default(86_400),
  })
  .superRefine((request, context) => {
    const refuse = (path: keyof typeof request, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    const { sources, from, to, format, compression, profile, order, consistency } = request;
    if (from !== undefined && to !== undefined && isAfter(from, to))
      refuse('from', 'must not be after `to`');
    if (order === 'time' && sources.length > 1)
      refuse('order', 'cannot be time for several sources');
    const can = capabilitiesOf(format);
    const only = (choices: readonly string[]): string =>
      `must be ${choices.join(' or ')} where the format is ${format}`;
    if (!can.profiles.includes(profile)) refuse('profile', only(can.profiles));
    if (!can.compressions.includes(compression)) refuse('compression', only(can.compressions));
    if (!can.consistencies.includes(consistency)) refuse('consistency', only(can.consistencies));
    if (sources.length > 1 && !can.severalSources)
      refuse('sources', `must be one where the format is ${format}`);
    for (const field of ownFields)
      if (request[field] !== undefined && !can.ownFields.includes(field))
        refuse(field, `must be left out where the format is ${format}`);
    if (profile !== 'spreadsheet' && request.timeOffset)
      refuse('timeOffset', 'must be left out where the profile is not spreadsheet');
    if (profile === 'spreadsheet' && wouldBeFormula(request.csv?.nullText ?? ''))
      context.addIssue({
        code: 'custom',
        path: ['csv', 'nullText'],
        message: 'must not begin as a formula does where the profile is spreadsheet',
      });
  })
  // Said or left out, what is usual means the same. Left out, an asking from before there were these fields is
  // known again when it is repeated.
  .overwrite(({ csv, parquetTypes: types, timeOffset, ...others }) => ({
    ...others,
    ...(timeOffset ? { timeOffset } : {}),
    ...(csv === undefined || isPlainCsv(csv) ? {} : { csv }),
    ...(types === 'portable' ? { parquetTypes: types } : {}),
  }));

const knownFormat = z.object({ format: z.enum(formats) });

/** Defaults that depend on the format, which a default of zod cannot; the others are the fields' own. */
function withDefaults(sent: unknown): unknown {
  const { data } = knownFormat.safeParse(sent);
  return data === undefined ? sent : { ...capabilitiesOf(data.format).defaults, ...Object(sent) };
}

/**
 * What a user or a system asks for. Parsing fills in the defaults and refuses unknown fields, so two
 * requests that mean the same are equal afterwards.
 */
export const exportRequestSchema = z.preprocess(withDefaults, exportRequestFields);
export type ExportRequest = z.infer<typeof exportRequestSchema>;
