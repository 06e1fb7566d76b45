import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import {
  type CsvOptions,
  capabilitiesOf,
  type ParquetTypes,
  plainCsv,
} from '../../lib/contracts/format-capabilities.ts';
import type { Dataset, SourceList } from '../../lib/contracts/sources.ts';
import type { NewExport } from '../api/calls.ts';
import { noDateTime, readRange, type TypedRange, toTypedRange } from '../time/range.ts';
import { type Condition, conditionsOf, readConditions } from './conditions.ts';
import { defaults } from './request-options.ts';

/** The choices of the form. A choice that is null follows the default of the format. */
export interface Draft {
  source: string;
  /** Further sources. In the file their rows follow the rows of `source`, in this order. */
  others: readonly string[];
  dataset: string;
  /** In the order of the file; null: all. */
  columns: readonly string[] | null;
  range: TypedRange;
  conditions: readonly Condition[];
  order: ExportRequest['order'];
  format: ExportRequest['format'];
  compression: ExportRequest['compression'] | null;
  profile: ExportRequest['profile'] | null;
  csv: CsvOptions;
  parquetTypes: ParquetTypes;
  /** The zone of the times in a file for spreadsheets; null: the zone of the page. */
  timeZone: string | null;
  /** Whether these times are written with their offset. */
  timeOffset: boolean;
  consistency: ExportRequest['consistency'];
  ttlSeconds: number;
  /** What people call the export; empty: nothing. */
  name: string;
  /** Fields of a duplicated request that the form has no field for. They are sent unchanged. */
  kept: Readonly<Record<string, unknown>>;
}

export const emptyDraft: Draft = {
  source: '',
  others: [],
  dataset: '',
  columns: null,
  range: { from: noDateTime, to: noDateTime },
  conditions: [],
  order: 'any',
  format: defaults.format,
  compression: null,
  profile: null,
  csv: plainCsv,
  parquetTypes: 'native',
  timeZone: null,
  timeOffset: false,
  consistency: defaults.consistency,
  ttlSeconds: defaults.ttlSeconds,
  name: '',
  kept: {},
};

type NormalizedDraft = Pick<ExportRequest, 'compression' | 'profile' | 'consistency' | 'order'> &
  Pick<ExportRequest, 'csv' | 'parquetTypes' | 'timeOffset'> &
  Pick<Draft, 'others'>;

/**
 * Returns the choices of a draft that its format supports. The draft keeps the others, so they come back when the
 * format changes.
 */
export function normalizeDraft(draft: Draft): NormalizedDraft {
  const can = capabilitiesOf(draft.format);
  const others = can.severalSources ? draft.others : [];
  const profile = oneOf(can.profiles, draft.profile) ?? can.defaults.profile;
  return {
    others,
    compression: oneOf(can.compressions, draft.compression) ?? can.defaults.compression,
    profile,
    ...(profile === 'spreadsheet' && draft.timeOffset && { timeOffset: true }),
    consistency: oneOf(can.consistencies, draft.consistency) ?? defaults.consistency,
    order: others.length > 0 ? 'any' : draft.order,
    ...(can.ownFields.includes('csv') && !isPlain(draft.csv) && { csv: draft.csv }),
    ...(can.ownFields.includes('parquetTypes') &&
      draft.parquetTypes === 'portable' && { parquetTypes: draft.parquetTypes }),
  };
}

const csvOptionNames = ['delimiter', 'decimal', 'nullText', 'quote', 'newline'] as const;

const isPlain = (options: CsvOptions): boolean =>
  csvOptionNames.every((option) => options[option] === plainCsv[option]);

export type FieldName = Exclude<keyof Draft, 'range' | 'kept'> | keyof TypedRange;

/** An error of the form; `field` is null if it belongs to no field. */
export interface FormError {
  field: FieldName | null;
  message: string;
  /** A change that solves it: one press applies the patch and sends the form. */
  offer?: { label: string; patch: Partial<Draft> };
}

/** Returns the dataset of a draft; undefined if it does not exist. */
export function datasetOf(draft: Draft, sources: SourceList | undefined): Dataset | undefined {
  const source = sources?.sources.find(({ name }) => name === draft.source);
  return source?.datasets.find(({ name }) => name === draft.dataset);
}

/** Returns the request of a draft, or its errors. */
export function readDraft(
  draft: Draft,
  sources: SourceList | undefined,
  zone: string,
): { request: NewExport; errors: [] } | { request: null; errors: FormError[] } {
  const range = readRange(draft.range, zone);
  const dataset = datasetOf(draft, sources);
  const { where, errors: conditionErrors } = readConditions(draft.conditions, dataset);
  const errors: FormError[] = missingChoices(draft, sources);
  if (draft.columns?.length === 0)
    errors.push({ field: 'columns', message: 'Choose at least one column.' });
  const hasTime = !dataset || dataset.timeColumn !== null;
  if (hasTime) errors.push(...range.errors);
  errors.push(...conditionErrors.map((message): FormError => ({ field: 'conditions', message })));
  if (errors.length > 0) return { request: null, errors };
  const { others, ...format } = normalizeDraft(draft);
  const { compression, profile, consistency, order, csv, parquetTypes, timeOffset } = format;
  // Whole days of the zone of the page are named as such in the file name, too.
  const hasDates = hasTime && (range.from !== undefined || range.to !== undefined);
  const needsZone = profile === 'spreadsheet' || (hasDates && zone !== 'UTC');
  const timeZone = draft.timeZone ?? (needsZone ? zone : null);
  const request: NewExport = {
    sources: [draft.source, ...others],
    dataset: draft.dataset,
    format: draft.format,
    compression,
    profile,
    consistency,
    ttlSeconds: draft.ttlSeconds,
    ...(draft.name.trim() !== '' && { name: draft.name.trim() }),
    ...(timeZone !== null && { timeZone }),
    ...(timeOffset && { timeOffset }),
    ...(order !== 'any' && { order }),
    ...(csv && { csv }),
    ...(parquetTypes && { parquetTypes }),
    ...(where.length > 0 && { where }),
    ...(draft.columns && { columns: [...draft.columns] }),
    ...(hasTime && range.from !== undefined && { from: range.from }),
    ...(hasTime && range.to !== undefined && { to: range.to }),
  };
  return { errors: [], request: { ...draft.kept, ...request } };
}

function missingChoices(draft: Draft, list: SourceList | undefined): FormError[] {
  const source = list?.sources.find(({ name }) => name === draft.source);
  const errors: FormError[] = [];
  if (!source)
    errors.push({
      field: 'source',
      message:
        draft.source === ''
          ? 'Choose a source.'
          : `Source “${draft.source}” was not found. Choose another.`,
    });
  if (!datasetOf(draft, list))
    errors.push({
      field: 'dataset',
      message:
        draft.dataset === ''
          ? 'Choose a dataset.'
          : source?.error === undefined
            ? `${draft.source} has no dataset “${draft.dataset}”. Choose another.`
            : `${draft.source} does not answer, so “${draft.dataset}” could not be looked up. Try again later.`,
    });
  return errors;
}

/** Returns the draft that leads to the same request. */
export function draftOf(request: ExportRequest, zone: string): Draft {
  const {
    sources: [source = '', ...others],
    dataset,
    columns = null,
    from,
    to,
    where = [],
    order,
    format,
    compression,
    profile,
    timeZone,
    timeOffset = false,
    consistency,
    csv = plainCsv,
    parquetTypes = 'native',
    ttlSeconds,
    name = '',
    ...kept
  } = request;
  const formatDefaults = capabilitiesOf(format).defaults;
  // With dates, an empty zone stands for that of the page.
  const hasZone = profile === 'spreadsheet' || from !== undefined || to !== undefined;
  return {
    source,
    others,
    dataset,
    columns,
    range: toTypedRange({ from, to }, zone),
    conditions: conditionsOf(where),
    order,
    format,
    compression: compression === formatDefaults.compression ? null : compression,
    profile: profile === formatDefaults.profile ? null : profile,
    csv,
    parquetTypes,
    timeZone: hasZone || timeZone !== 'UTC' ? timeZone : null,
    timeOffset,
    consistency,
    ttlSeconds,
    name,
    kept,
  };
}

/** Returns the value if it is one of the choices. */
export const oneOf = <T extends string>(choices: readonly T[], value: unknown): T | undefined =>
  choices.find((choice) => choice === value);
