import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import {
  type CsvOptions,
  capabilitiesOf,
  type ParquetTypes,
  plainCsv,
} from '../../lib/contracts/format-capabilities.ts';
import type { Dataset, SourceList } from '../../lib/contracts/sources.ts';
import type { NewExport } from '../api/calls.ts';
import { noMoment, readRange, type TypedRange, typeRange } from '../time/range.ts';
import { type Condition, conditionsOf, readConditions } from './conditions.ts';
import { defaults } from './request-options.ts';

/** The form as it stands. What is null was not chosen: it is what the format has by itself. */
export interface Draft {
  source: string;
  /** Whose rows stand behind those of the source, in this order. */
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
  /** Of the times in a file for spreadsheets; null: that of the page. */
  timeZone: string | null;
  /** Whether those are written with their offset. */
  timeOffset: boolean;
  consistency: ExportRequest['consistency'];
  ttlSeconds: number;
  /** Fields of a request made before that the form has nothing for: they are sent as they were. */
  kept: Readonly<Record<string, unknown>>;
}

export const emptyDraft: Draft = {
  source: '',
  others: [],
  dataset: '',
  columns: null,
  range: { from: noMoment, to: noMoment },
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
  kept: {},
};

type Fitted = Pick<ExportRequest, 'compression' | 'profile' | 'consistency' | 'order'> &
  Pick<ExportRequest, 'csv' | 'parquetTypes' | 'timeOffset'> &
  Pick<Draft, 'others'>;

/** Returns what is sent for the choices of a draft: what its format cannot have is left out, and comes back with another. */
export function fitted(draft: Draft): Fitted {
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

const optionsOfCsv = ['delimiter', 'decimal', 'nullText', 'quote', 'newline'] as const;

const isPlain = (options: CsvOptions): boolean =>
  optionsOfCsv.every((option) => options[option] === plainCsv[option]);

export type FieldName = Exclude<keyof Draft, 'range' | 'kept'> | keyof TypedRange;

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
  const { where, errors: unread } = readConditions(draft.conditions, dataset);
  const errors: FormError[] = whatIsNotThere(draft, sources);
  if (draft.columns?.length === 0)
    errors.push({ field: 'columns', message: 'Choose at least one column.' });
  const timed = !dataset || dataset.timeColumn !== null;
  if (timed) errors.push(...range.errors);
  errors.push(...unread.map((message): FormError => ({ field: 'conditions', message })));
  if (errors.length > 0) return { request: null, errors };
  const { others, ...format } = fitted(draft);
  const { compression, profile, consistency, order, csv, parquetTypes, timeOffset } = format;
  const timeZone = draft.timeZone ?? (profile === 'spreadsheet' ? zone : null);
  const request: NewExport = {
    sources: [draft.source, ...others],
    dataset: draft.dataset,
    format: draft.format,
    compression,
    profile,
    consistency,
    ttlSeconds: draft.ttlSeconds,
    ...(timeZone !== null && { timeZone }),
    ...(timeOffset && { timeOffset }),
    ...(order !== 'any' && { order }),
    ...(csv && { csv }),
    ...(parquetTypes && { parquetTypes }),
    ...(where.length > 0 && { where }),
    ...(draft.columns && { columns: [...draft.columns] }),
    ...(timed && range.from !== undefined && { from: range.from }),
    ...(timed && range.to !== undefined && { to: range.to }),
  };
  return { errors: [], request: { ...draft.kept, ...request } };
}

function whatIsNotThere(draft: Draft, list: SourceList | undefined): FormError[] {
  const source = list?.sources.find(({ name }) => name === draft.source);
  const errors: FormError[] = [];
  if (!source)
    errors.push({
      field: 'source',
      message:
        draft.source === ''
          ? 'Choose a source.'
          : `There is no source “${draft.source}” among yours. Choose another.`,
    });
  if (!datasetOf(draft, list))
    errors.push({
      field: 'dataset',
      message:
        draft.dataset === ''
          ? 'Choose a dataset.'
          : source?.error === undefined
            ? `There is no dataset “${draft.dataset}” in ${draft.source}. Choose another.`
            : `${draft.source} does not answer: whether it has “${draft.dataset}” is not known.`,
    });
  return errors;
}

/** The draft that would make the same request again. */
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
    ...kept
  } = request;
  const own = capabilitiesOf(format).defaults;
  return {
    source,
    others,
    dataset,
    columns,
    range: typeRange({ from, to }, zone),
    conditions: conditionsOf(where),
    order,
    format,
    compression: compression === own.compression ? null : compression,
    profile: profile === own.profile ? null : profile,
    csv,
    parquetTypes,
    timeZone: profile === 'spreadsheet' || timeZone !== 'UTC' ? timeZone : null,
    timeOffset,
    consistency,
    ttlSeconds,
    kept,
  };
}

/** The choice that was found, if it is one. */
export const oneOf = <T extends string>(choices: readonly T[], found: unknown): T | undefined =>
  choices.find((choice) => choice === found);
