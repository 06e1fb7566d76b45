import { z } from 'zod';
import { topics } from '../../messaging/topics.ts';
import { errorMessage } from '../../runtime/errors.ts';
import { compileExpression } from './expression.ts';
import { limits } from './limits.ts';
import { compileTimeFormat } from './time-format.ts';
import { wallClockOf } from './time-zone.ts';
import { conversionOf } from './units.ts';

const expressionSchema = z
  .string('must be an expression, which is text')
  .transform(compiled(compileExpression));

/** Returns a transformation that reports what `compile` throws as an issue of the field. */
function compiled<T>(compile: (text: string) => T) {
  return (text: string, context: z.core.$RefinementCtx<string>): T => {
    try {
      return compile(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: errorMessage(error) });
      return z.NEVER;
    }
  };
}

/**
 * Returns the letters and digits of a topic. Topics that differ only in signs would have the same name in a stack of AWS,
 * and in the metrics of Kafka.
 */
export const lettersOf = (topic: string): string => topic.replaceAll(/[^A-Za-z0-9]/g, '');

const reservedTopics = new Set(Object.values(topics).map(({ name }) => lettersOf(name)));

const topicSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9._-]{1,200}$/,
    'must have 1 to 200 letters, digits, dots, underscores and hyphens',
  )
  .refine((name) => lettersOf(name) !== '', 'must have a letter or a digit')
  .refine((name) => !name.endsWith('.dlq'), 'must not end with .dlq: that is where dead letters go')
  .refine((name) => !reservedTopics.has(lettersOf(name)), 'is a topic of StreamSync itself');

const csvSchema = z
  .strictObject({
    delimiter: z
      .string()
      .regex(
        /^[\t !#-/:-@[-`{-~]$/,
        'must be one character that is no letter, digit or quotation mark',
      )
      .default(','),
    header: z.literal(true).optional(),
    columns: z
      .array(z.string().min(1, 'must not be empty'))
      .min(1, 'must have a name')
      .max(limits.columns, `must have at most ${limits.columns} names`)
      .refine((names) => new Set(names).size === names.length, 'must not have a name twice')
      .optional(),
    /** The decimal sign of numbers. */
    decimal: z.enum(['.', ',']).default('.'),
  })
  .refine(({ header, columns }) => (header === true) !== (columns !== undefined), {
    error: 'must have either header: true or columns',
  });
export type CsvSettings = z.output<typeof csvSchema>;

const timeUnitSchema = z.enum(['s', 'ms', 'us', 'ns']);
export type TimeUnit = z.output<typeof timeUnitSchema>;

const repeatedTimeSchema = z.enum(['earlier', 'later', 'reject']);
export type RepeatedTime = z.output<typeof repeatedTimeSchema>;

const timeSchema = z
  .strictObject({
    unit: timeUnitSchema.optional(),
    format: z
      .string()
      .max(100, 'must have at most 100 characters')
      .transform(compiled(compileTimeFormat))
      .optional(),
    zone: z
      .string()
      .transform(
        compiled((zone) => {
          try {
            return wallClockOf(zone);
          } catch (cause) {
            throw new Error('is no zone of the IANA database, like Europe/Berlin', { cause });
          }
        }),
      )
      .optional(),
    repeated: repeatedTimeSchema.optional(),
  })
  .refine(({ unit, format }) => unit === undefined || format === undefined, {
    path: ['unit'],
    error: 'must not be given together with format',
  })
  .refine(({ zone, repeated }) => zone !== undefined || repeated === undefined, {
    path: ['repeated'],
    error: 'needs zone',
  });

const unitSchema = z
  .string()
  .max(limits.unitCharacters, `must have at most ${limits.unitCharacters} characters`);

const convertSchema = z
  .strictObject({ from: unitSchema.optional(), to: unitSchema })
  .superRefine(({ from, to }, context) => {
    try {
      conversionOf(from ?? to, to);
    } catch (error) {
      context.addIssue({ code: 'custom', path: [], message: errorMessage(error) });
    }
  });

const finite = z.number('must be a number').refine(Number.isFinite, 'must be a finite number');

export const pipelineSchema = z
  .strictObject({
    description: z.string().max(1_000, 'must have at most 1,000 characters').optional(),
    topic: topicSchema,
    partitions: z.int('must be an integer').min(1).max(limits.partitions).default(4),
    format: z.enum(['json', 'ndjson', 'csv']),
    csv: csvSchema.optional(),
    each: expressionSchema.optional(),
    filter: expressionSchema.optional(),
    series: expressionSchema,
    at: expressionSchema,
    time: timeSchema.optional(),
    value: expressionSchema,
    scale: finite.refine((scale) => scale !== 0, 'must not be 0').optional(),
    offset: finite.optional(),
    unit: expressionSchema.optional(),
    convert: convertSchema.optional(),
    attributes: z
      .record(z.string().min(1), expressionSchema)
      .refine(
        (fields) => Object.keys(fields).length <= limits.attributes,
        `must have at most ${limits.attributes} fields`,
      )
      .optional(),
  })
  .superRefine(({ format, csv, unit, convert }, context) => {
    if (format === 'csv' && csv === undefined)
      context.addIssue({
        code: 'custom',
        path: ['csv'],
        message: 'is required with format csv: header: true, or columns',
      });
    if (format !== 'csv' && csv !== undefined)
      context.addIssue({ code: 'custom', path: ['csv'], message: 'needs format: csv' });
    if (convert?.from !== undefined && unit !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['convert', 'from'],
        message: 'must not be given together with unit, which names the unit of each record',
      });
    if (convert !== undefined && convert.from === undefined && unit === undefined)
      context.addIssue({
        code: 'custom',
        path: ['convert'],
        message: 'needs from, or unit, an expression for the unit of the record',
      });
  });

export type PipelineDefinition = z.output<typeof pipelineSchema>;

export interface Pipeline extends PipelineDefinition {
  /** The name of its file, without the ending. */
  name: string;
  file: string;
}
