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

/** What the next form begins with. */
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
 * The choices of the last export that was asked for; never which rows (dates, conditions), nor its consistency: less
 * than one moment is chosen knowingly each time.
 */
export const lastChoices = stored(localStorage, 'streamsync.export-form', readChoices);

export function rememberChoices(draft: Draft): void {
  const { source, others, dataset, columns, format, compression, profile } = draft;
  const { csv, parquetTypes: types, ttlSeconds } = draft;
  const ofFile = { format, compression, profile, csv, parquetTypes: types, ttlSeconds };
  lastChoices.set({ source, others, dataset, columns, ...ofFile });
}

function readChoices(found: unknown): Choices {
  const choices: Choices = { ...emptyDraft };
  if (typeof found !== 'object' || found === null) return choices;
  if ('source' in found && typeof found.source === 'string') choices.source = found.source;
  if ('others' in found && isNames(found.others)) choices.others = found.others;
  if ('dataset' in found && typeof found.dataset === 'string') choices.dataset = found.dataset;
  if ('columns' in found && isNames(found.columns)) choices.columns = found.columns;
  if ('format' in found) choices.format = oneOf(formats, found.format) ?? choices.format;
  if ('compression' in found)
    choices.compression = oneOf(compressions, found.compression) ?? choices.compression;
  if ('profile' in found) choices.profile = oneOf(profiles, found.profile) ?? choices.profile;
  if ('csv' in found) choices.csv = readCsv(found.csv);
  if ('parquetTypes' in found)
    choices.parquetTypes = oneOf(parquetTypes, found.parquetTypes) ?? choices.parquetTypes;
  if ('ttlSeconds' in found && typeof found.ttlSeconds === 'number')
    choices.ttlSeconds = found.ttlSeconds;
  return choices;
}

function readCsv(found: unknown): CsvOptions {
  const kept = new Map<string, unknown>(Object.entries(found ?? {}));
  const nullText = kept.get('nullText');
  return {
    delimiter: oneOf(csvChoices.delimiter, kept.get('delimiter')) ?? plainCsv.delimiter,
    decimal: oneOf(csvChoices.decimal, kept.get('decimal')) ?? plainCsv.decimal,
    nullText: typeof nullText === 'string' ? nullText : plainCsv.nullText,
    quote: oneOf(csvChoices.quote, kept.get('quote')) ?? plainCsv.quote,
    newline: oneOf(csvChoices.newline, kept.get('newline')) ?? plainCsv.newline,
  };
}

function isNames(found: unknown): found is string[] {
  return Array.isArray(found) && found.every((name) => typeof name === 'string');
}
