import { z } from 'zod';
import { csvOptionsSchema, isPlainCsv, wouldBeFormula } from './csv-options.ts';
import { encryptionSchema } from './encryption.ts';
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
 * Returns whether a time zone is an IANA name, which means the same to PostgreSQL. Intl also accepts offsets, whose sign
 * is inverted in POSIX, and abbreviations of ICU (IST is a different offset in each).
 */
function isKnownTimeZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false;
  if (/^[A-Za-z]{3}$/.test(zone) && !/^([CEMW]ET|[EMH]ST|GMT|UTC|UCT|PRC|RO[CK])$/i.test(zone))
    return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** @param message if the name is longer than any name in a database */
const nameSchema = (message: string) =>
  z.string().min(1, 'must not be empty').max(sizes.nameCharacters, message);

const oneName = nameSchema(`must have at most ${sizes.nameCharacters} characters`);
const listOfNames = z.array(
  nameSchema(`must have at most ${sizes.nameCharacters} characters each`),
);

/** Line feeds and other controls would break the line of a list, a log or a header. */
const givenNameSchema = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(sizes.exportNameCharacters, `must have at most ${sizes.exportNameCharacters} characters`)
  .refine((name) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(name), 'must not have control characters')
  .refine((name) => name.isWellFormed(), 'must not have half a surrogate pair');

/** Unit outputs that are age files cannot be assembled into one. */
const oneUnit = 'with encryption: the file is an age file, name + .age; one unit';

/** The fields of an export request. */
export const exportRequestFields = z
  .strictObject({
    sources: listOfNames
      .min(1, 'must name a source')
      .max(sizes.sources, `must name at most ${sizes.sources} sources`)
      .refine((names) => new Set(names).size === names.length, 'names a source twice')
      .meta({
        description:
          'the databases to read, which must all have the dataset; with several, their rows follow each other, with the leading column `_source`',
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
      .meta({ description: 'columns in the order of the file; the default is all' }),
    where: whereSchema.optional(),
    compression: z.enum(compressions).default('none').meta({
      description:
        'the default of parquet is zstd; snappy is for parquet only; xlsx, which is already compressed, permits only none',
    }),
    profile: z.enum(profiles).default('machine').meta({
      description:
        'spreadsheet: for reading in a spreadsheet, with times in `timeZone`; for csv and xlsx, where it is the default of xlsx',
    }),
    timeZone: oneName
      .refine(isKnownTimeZone, 'must be an IANA time zone')
      .default('UTC')
      .meta({ description: 'for the profile spreadsheet' }),
    timeOffset: z.boolean().optional().meta({
      description:
        'for the profile spreadsheet: true writes an instant as text with its offset, `2024-10-27 02:30:00+01:00`, which distinguishes the two instants that have the same clock time when summer time ends',
    }),
    order: z.enum(['any', 'time']).default('any').meta({
      description: 'time: by the time column, rows without a time last',
    }),
    consistency: z.enum(consistencies).default('snapshot').meta({
      description:
        'snapshot: all rows of one snapshot, read within 12 minutes; resumable, for all formats except xlsx: any size, read in units with a snapshot each',
    }),
    csv: csvOptionsSchema.optional().meta({
      description:
        'for csv only: how the file is written. The defaults are `{"delimiter": ",", "decimal": ".", "nullText": "", "quote": "minimal", "newline": "lf"}`',
    }),
    parquetTypes: z.enum(parquetTypes).optional().meta({
      description:
        'for parquet only: portable writes uuid, time, json and jsonb as STRING, for readers that reject files with these types; native, the default, uses the types',
    }),
    encryption: encryptionSchema.optional().meta({
      description:
        'the file is an age file (age-encryption.org/v1), which only these recipients can decrypt; its name ends with .age. For snapshot exports of one source',
    }),
    ttlSeconds: z.int().min(60).max(2_592_000).default(86_400),
    name: givenNameSchema.optional().meta({
      description:
        'what people call the export, in any script; its ASCII form is the beginning of the file name, in place of the dataset',
    }),
  })
  .superRefine((request, context) => {
    const addIssue = (path: keyof typeof request, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    const { sources, from, to, format, compression, profile, order, consistency } = request;
    if (from !== undefined && to !== undefined && isAfter(from, to))
      addIssue('from', 'must not be after `to`');
    if (order === 'time' && sources.length > 1)
      addIssue('order', 'must be any for several sources');
    const can = capabilitiesOf(format);
    const only = (choices: readonly string[]): string =>
      `must be ${choices.join(' or ')} if the format is ${format}`;
    if (!can.profiles.includes(profile)) addIssue('profile', only(can.profiles));
    if (!can.compressions.includes(compression)) addIssue('compression', only(can.compressions));
    if (!can.consistencies.includes(consistency)) addIssue('consistency', only(can.consistencies));
    if (sources.length > 1 && !can.severalSources)
      addIssue('sources', `must be one if the format is ${format}`);
    if (request.encryption) {
      if (consistency !== 'snapshot') addIssue('consistency', `must be snapshot ${oneUnit}`);
      if (sources.length > 1) addIssue('sources', `must be one ${oneUnit}`);
    }
    for (const field of ownFields)
      if (request[field] !== undefined && !can.ownFields.includes(field))
        addIssue(field, `must be left out if the format is ${format}`);
    if (profile !== 'spreadsheet' && request.timeOffset)
      addIssue('timeOffset', 'must be left out unless the profile is spreadsheet');
    if (profile === 'spreadsheet' && wouldBeFormula(request.csv?.nullText ?? ''))
      context.addIssue({
        code: 'custom',
        path: ['csv', 'nullText'],
        message: 'must not start like a formula if the profile is spreadsheet',
      });
  })
  // A default value is removed, so that a repeated request of a client from before these fields existed is recognised.
  .overwrite(({ csv, parquetTypes: types, timeOffset, ...others }) => ({
    ...others,
    ...(timeOffset ? { timeOffset } : {}),
    ...(csv === undefined || isPlainCsv(csv) ? {} : { csv }),
    ...(types === 'portable' ? { parquetTypes: types } : {}),
  }));

const knownFormat = z.object({ format: z.enum(formats) });

/** Adds the defaults that depend on the format, which zod's `default` cannot express. */
function withDefaults(sent: unknown): unknown {
  const { data } = knownFormat.safeParse(sent);
  return data === undefined ? sent : { ...capabilitiesOf(data.format).defaults, ...Object(sent) };
}

/**
 * A request for an export. Parsing adds the defaults and rejects unknown fields, so that equivalent requests are equal.
 */
export const exportRequestSchema = z.preprocess(withDefaults, exportRequestFields);
export type ExportRequest = z.infer<typeof exportRequestSchema>;
