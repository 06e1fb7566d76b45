import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import {
  capabilitiesOf,
  compressions,
  consistencies,
  formats,
} from '../../lib/contracts/format-capabilities.ts';
import type { Dataset, SourceList } from '../../lib/contracts/sources.ts';
import type { NewExport } from '../api/calls.ts';
import { stored } from '../state/stored.ts';
import { noMoment, parseDay, readRange, type TypedRange, typeRange } from '../time/range.ts';
import { defaults, ttlBounds } from './request-options.ts';

/** The form as it stands. */
export interface Draft {
  source: string;
  /** Whose rows stand behind those of the source, in this order. */
  others: readonly string[];
  dataset: string;
  /** In the order of the file; null: all. */
  columns: readonly string[] | null;
  range: TypedRange;
  format: ExportRequest['format'];
  compression: ExportRequest['compression'];
  consistency: ExportRequest['consistency'];
  ttlSeconds: number;
}

export const emptyDraft: Draft = {
  source: '',
  others: [],
  dataset: '',
  columns: null,
  range: { from: noMoment, to: noMoment },
  ...defaults,
};

/** The draft without what its format refuses. */
export function fitting(draft: Draft): Draft {
  const choices = capabilitiesOf(draft.format);
  return {
    ...draft,
    others: choices.severalSources ? draft.others : [],
    compression: oneOf(choices.compressions, draft.compression) ?? defaults.compression,
    consistency: oneOf(choices.consistencies, draft.consistency) ?? defaults.consistency,
  };
}

export type FieldName = Exclude<keyof Draft, 'range'> | keyof TypedRange;

/** One thing that is wrong; `field` is null when it belongs to none. */
export interface FormError {
  field: FieldName | null;
  message: string;
  /** What would mend it, to be taken over and sent in one press. */
  offer?: { label: string; part: Partial<Draft> };
}

/** Finds the dataset of a draft; undefined while it names none that exists. */
export function datasetOf(draft: Draft, sources: SourceList | undefined): Dataset | undefined {
  const source = sources?.sources.find(({ name }) => name === draft.source);
  return source?.datasets.find(({ name }) => name === draft.dataset);
}

/** Turns the draft into a request, or says what is missing. */
export function readDraft(
  draft: Draft,
  sources: SourceList | undefined,
  zone: string,
): { request: NewExport; errors: [] } | { request: null; errors: FormError[] } {
  const range = readRange(draft.range, zone);
  const dataset = datasetOf(draft, sources);
  const errors: FormError[] = [];
  if (!sources?.sources.some(({ name }) => name === draft.source))
    errors.push({ field: 'source', message: 'Choose a source.' });
  if (!dataset) errors.push({ field: 'dataset', message: 'Choose a dataset.' });
  if (draft.columns?.length === 0)
    errors.push({ field: 'columns', message: 'Choose at least one column.' });
  const timed = !dataset || dataset.timeColumn !== null;
  if (timed) errors.push(...range.errors);
  if (errors.length > 0) return { request: null, errors };
  return {
    errors: [],
    request: {
      sources: [draft.source, ...draft.others],
      dataset: draft.dataset,
      format: draft.format,
      compression: draft.compression,
      consistency: draft.consistency,
      ttlSeconds: draft.ttlSeconds,
      // A workbook shows times as the page does.
      ...(draft.format === 'xlsx' && { timeZone: zone }),
      ...(draft.columns && { columns: [...draft.columns] }),
      ...(timed && range.from !== undefined && { from: range.from }),
      ...(timed && range.to !== undefined && { to: range.to }),
    },
  };
}

/** The draft that would make the same request again. */
export function draftOf(request: ExportRequest, zone: string): Draft {
  return {
    source: request.sources[0] ?? '',
    others: request.sources.slice(1),
    dataset: request.dataset,
    columns: request.columns ?? null,
    range: typeRange(request, zone),
    format: request.format,
    compression: request.compression,
    consistency: request.consistency,
    ttlSeconds: request.ttlSeconds,
  };
}

/** What the address asks for: `?source=sales,iot&dataset=orders&columns=a,b&from=2026-03-01&to=…`. */
export function draftOfQuery(query: URLSearchParams, base: Draft): Draft {
  const columns = query.get('columns');
  const [source = '', ...others] = query.get('source')?.split(',') ?? [];
  const ttl = Number(query.get('ttlSeconds') ?? base.ttlSeconds);
  return {
    source,
    others,
    dataset: query.get('dataset') ?? '',
    columns: columns === null ? null : columns.split(',').filter((name) => name !== ''),
    range: {
      from: { date: dateOrNothing(query.get('from')), time: '' },
      to: { date: dateOrNothing(query.get('to')), time: '' },
    },
    format: oneOf(formats, query.get('format')) ?? base.format,
    compression: oneOf(compressions, query.get('compression')) ?? base.compression,
    consistency: oneOf(consistencies, query.get('consistency')) ?? base.consistency,
    ttlSeconds: ttl >= ttlBounds.min && ttl <= ttlBounds.max ? ttl : base.ttlSeconds,
  };
}

/** The choice that was found, if it is one. */
export const oneOf = <T extends string>(choices: readonly T[], found: unknown): T | undefined =>
  choices.find((choice) => choice === found);

const dateOrNothing = (text: string | null): string => parseDay(text ?? '')?.toString() ?? '';

/**
 * The choices of the last export that was asked for; never its dates, nor its consistency: less than
 * one moment is chosen knowingly each time.
 */
export const lastChoices = stored(localStorage, 'streamsync.export-form', readChoices);

export type Choices = Omit<Draft, 'range' | 'consistency'>;

function readChoices(found: unknown): Choices {
  const { range: _dates, consistency: _moment, ...choices } = emptyDraft;
  if (typeof found !== 'object' || found === null) return choices;
  if ('source' in found && typeof found.source === 'string') choices.source = found.source;
  if ('others' in found && isNames(found.others)) choices.others = found.others;
  if ('dataset' in found && typeof found.dataset === 'string') choices.dataset = found.dataset;
  if ('columns' in found && isNames(found.columns)) choices.columns = found.columns;
  if ('format' in found) choices.format = oneOf(formats, found.format) ?? choices.format;
  if ('compression' in found)
    choices.compression = oneOf(compressions, found.compression) ?? choices.compression;
  if ('ttlSeconds' in found && typeof found.ttlSeconds === 'number')
    choices.ttlSeconds = found.ttlSeconds;
  return choices;
}

function isNames(found: unknown): found is string[] {
  return Array.isArray(found) && found.every((name) => typeof name === 'string');
}
