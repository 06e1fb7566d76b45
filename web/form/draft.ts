import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import type { Dataset, SourceList } from '../../lib/contracts/sources.ts';
import type { NewExport } from '../api/calls.ts';
import { stored } from '../state/stored.ts';
import { noMoment, parseDay, readRange, type TypedRange, typeRange } from '../time/range.ts';
import { formats, ttlBounds } from './request-options.ts';

/** The form as it stands. */
export interface Draft {
  source: string;
  dataset: string;
  /** In the order of the file; null: all. */
  columns: readonly string[] | null;
  range: TypedRange;
  format: ExportRequest['format'];
  ttlSeconds: number;
}

export const emptyDraft: Draft = {
  source: '',
  dataset: '',
  columns: null,
  range: { from: noMoment, to: noMoment },
  format: formats[0],
  ttlSeconds: 86_400,
};

export type FieldName = 'source' | 'dataset' | 'columns' | 'from' | 'to' | 'format' | 'ttlSeconds';

/** One thing that is wrong; `field` is null when it belongs to none. */
export interface FormError {
  field: FieldName | null;
  message: string;
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
      sources: [draft.source],
      dataset: draft.dataset,
      format: draft.format,
      ttlSeconds: draft.ttlSeconds,
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
    dataset: request.dataset,
    columns: request.columns ?? null,
    range: typeRange(request, zone),
    format: request.format,
    ttlSeconds: request.ttlSeconds,
  };
}

/** What the address asks for: `?source=sales&dataset=orders&columns=a,b&from=2026-03-01&to=…`. */
export function draftOfQuery(query: URLSearchParams, base: Draft): Draft {
  const columns = query.get('columns');
  const ttl = Number(query.get('ttlSeconds') ?? base.ttlSeconds);
  return {
    source: query.get('source') ?? '',
    dataset: query.get('dataset') ?? '',
    columns: columns === null ? null : columns.split(',').filter((name) => name !== ''),
    range: {
      from: { date: dateOrNothing(query.get('from')), time: '' },
      to: { date: dateOrNothing(query.get('to')), time: '' },
    },
    format: formats.find((format) => format === query.get('format')) ?? base.format,
    ttlSeconds: ttl >= ttlBounds.min && ttl <= ttlBounds.max ? ttl : base.ttlSeconds,
  };
}

const dateOrNothing = (text: string | null): string => parseDay(text ?? '')?.toString() ?? '';

/** The choices of the last export that was asked for; never its dates. */
export const lastChoices = stored(localStorage, 'streamsync.export-form', readChoices);

export type Choices = Pick<Draft, 'source' | 'dataset' | 'columns' | 'format' | 'ttlSeconds'>;

function readChoices(found: unknown): Choices {
  const { source, dataset, columns, format, ttlSeconds } = emptyDraft;
  const choices: Choices = { source, dataset, columns, format, ttlSeconds };
  if (typeof found !== 'object' || found === null) return choices;
  if ('source' in found && typeof found.source === 'string') choices.source = found.source;
  if ('dataset' in found && typeof found.dataset === 'string') choices.dataset = found.dataset;
  if ('columns' in found && isNames(found.columns)) choices.columns = found.columns;
  if ('format' in found) choices.format = formats.find((known) => known === found.format) ?? format;
  if ('ttlSeconds' in found && typeof found.ttlSeconds === 'number')
    choices.ttlSeconds = found.ttlSeconds;
  return choices;
}

function isNames(found: unknown): found is string[] {
  return Array.isArray(found) && found.every((name) => typeof name === 'string');
}
