import {
  type CsvOptions,
  compressions,
  csvChoices,
  formats,
  parquetTypes,
  plainCsv,
  profiles,
} from '../../lib/contracts/format-capabilities.ts';
import { stored } from '../state/stored.ts';
import { type Draft, emptyDraft, oneOf } from './draft.ts';

/** The choices that the next form starts with. */
type Choices = Pick<
  Draft,
  | 'source'
  | 'others'
  | 'dataset'
  | 'columns'
  | 'format'
  | 'compression'
  | 'profile'
  | 'csv'
  | 'parquetTypes'
  | 'ttlSeconds'
>;

/**
 * The choices of the last export. Which rows it has (dates, conditions) is not remembered, nor its consistency: the
 * user has to choose knowingly each time that the rows are of several moments.
 */
export const lastChoices = stored(localStorage, 'streamsync.export-form', readChoices);

export function rememberChoices(draft: Draft): void {
  const { source, others, dataset, columns, format, compression, profile } = draft;
  const { csv, parquetTypes: types, ttlSeconds } = draft;
  const fileChoices = { format, compression, profile, csv, parquetTypes: types, ttlSeconds };
  lastChoices.set({ source, others, dataset, columns, ...fileChoices });
}

/** Returns the choices of a saved object; those that cannot be read are the defaults. */
export function readChoices(saved: unknown): Choices {
  const choices: Choices = { ...emptyDraft };
  if (typeof saved !== 'object' || saved === null) return choices;
  if ('source' in saved && typeof saved.source === 'string') choices.source = saved.source;
  if ('others' in saved && isNames(saved.others)) choices.others = saved.others;
  if ('dataset' in saved && typeof saved.dataset === 'string') choices.dataset = saved.dataset;
  if ('columns' in saved && isNames(saved.columns)) choices.columns = saved.columns;
  if ('format' in saved) choices.format = oneOf(formats, saved.format) ?? choices.format;
  if ('compression' in saved)
    choices.compression = oneOf(compressions, saved.compression) ?? choices.compression;
  if ('profile' in saved) choices.profile = oneOf(profiles, saved.profile) ?? choices.profile;
  if ('csv' in saved) choices.csv = readCsv(saved.csv);
  if ('parquetTypes' in saved)
    choices.parquetTypes = oneOf(parquetTypes, saved.parquetTypes) ?? choices.parquetTypes;
  if ('ttlSeconds' in saved && typeof saved.ttlSeconds === 'number')
    choices.ttlSeconds = saved.ttlSeconds;
  return choices;
}

/** Returns saved options of CSV; those that cannot be read are the defaults. */
export function readCsv(saved: unknown): CsvOptions {
  const fields = new Map<string, unknown>(Object.entries(saved ?? {}));
  const nullText = fields.get('nullText');
  return {
    delimiter: oneOf(csvChoices.delimiter, fields.get('delimiter')) ?? plainCsv.delimiter,
    decimal: oneOf(csvChoices.decimal, fields.get('decimal')) ?? plainCsv.decimal,
    nullText: typeof nullText === 'string' ? nullText : plainCsv.nullText,
    quote: oneOf(csvChoices.quote, fields.get('quote')) ?? plainCsv.quote,
    newline: oneOf(csvChoices.newline, fields.get('newline')) ?? plainCsv.newline,
  };
}

function isNames(saved: unknown): saved is string[] {
  return Array.isArray(saved) && saved.every((name) => typeof name === 'string');
}
