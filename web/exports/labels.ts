import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import {
  compressionExtensions,
  encryptedExtension,
  fileCompressionOf,
} from '../../lib/contracts/format-capabilities.ts';
import { day, dayAndClock, format } from '../time/format.ts';
import { rowChoices } from './choices.ts';

/** What an export is called in the list: its name, or `orders · Mar 2025`. It does not change when the file is ready. */
export const exportTitle = ({ request }: ExportDocument, zone: string): string =>
  request.name ?? datasetAndRange(request, zone);

const datasetAndRange = (request: ExportRequest, zone: string): string =>
  `${request.dataset} · ${rangeText(request, zone)}`;

/** The name of an export, else that of its file, or of the file it is to become. Exports of one title differ by it. */
export const exportName = ({ file, request }: ExportDocument): string =>
  request.name ?? file?.name ?? datasetFile(request);

const datasetFile = (request: ExportRequest): string =>
  `${request.dataset}.${request.format}${compressionExtensions[fileCompressionOf(request)]}${request.encryption ? encryptedExtension : ''}`;

/* The labels of the choices of a request. */

export const formatLabels: Record<ExportRequest['format'], string> = {
  csv: 'CSV',
  json: 'JSON',
  ndjson: 'NDJSON',
  xlsx: 'Excel',
  parquet: 'Parquet',
};

export const compressionLabels: Record<ExportRequest['compression'], string> = {
  none: 'None',
  gzip: 'gzip',
  zstd: 'zstd',
  snappy: 'Snappy',
};

export const consistencyLabels: Record<ExportRequest['consistency'], string> = {
  snapshot: 'One moment',
  resumable: 'Several moments, for very large data',
};

/** Returns the id of the element that is the row of an export. */
export const rowId = (id: string): string => `export-${id}`;

/** `sales · status = cancelled · 9 columns`; `orders · Mar 2025 · …` before it if the export has a name. */
export function summary(request: ExportRequest, zone: string): string {
  const columns = request.columns?.length;
  return [
    ...(request.name === undefined ? [] : [datasetAndRange(request, zone)]),
    request.sources.join(', '),
    ...rowChoices(request),
    ...(columns === undefined ? [] : [`${columns} ${columns === 1 ? 'column' : 'columns'}`]),
  ].join(' · ');
}

/**
 * Whole years, months and days as the first and last of them, `2025`, `Jan 2025 – Mar 2025`, `1 Mar – 7 Mar`,
 * `from Mar 2025`; other bounds with their times, `1 Mar 10:00 CET – …`.
 */
function rangeText({ from, to }: Pick<ExportRequest, 'from' | 'to'>, zone: string): string {
  const bounds = [from, to].filter((bound) => bound !== undefined);
  if (bounds.length === 0) return 'all time';
  const areDays = bounds.every((bound) => isMidnight(bound, zone));
  // The end is exclusive: of whole days the last one is named.
  const end = to !== undefined && areDays ? new Date(Date.parse(to) - 1).toISOString() : to;
  const period = areDays ? wholePeriod(bounds, zone) : null;
  const nameOf = (bound: string, other: string | undefined): string =>
    period
      ? format(zone, period).format(new Date(bound))
      : (areDays ? day : dayAndClock)(zone, bound, other);
  if (end === undefined) return `from ${nameOf(from ?? '', undefined)}`;
  if (from === undefined) return `${areDays ? 'until' : 'before'} ${nameOf(end, undefined)}`;
  const [first, last] = [nameOf(from, end), nameOf(end, from)];
  return first === last ? first : `${first} – ${last}`;
}

/** Returns the parts of a date that name the period if all bounds begin a year or a month, else null. */
function wholePeriod(bounds: readonly string[], zone: string): Intl.DateTimeFormatOptions | null {
  const begin = (options: Intl.DateTimeFormatOptions): boolean =>
    bounds.every((bound) => format(zone, options).format(new Date(bound)) === '1');
  if (!begin({ day: 'numeric' })) return null;
  return begin({ month: 'numeric' }) ? { year: 'numeric' } : { month: 'short', year: 'numeric' };
}

const isMidnight = (instant: string, zone: string): boolean =>
  format(zone, { timeStyle: 'medium' }).format(new Date(instant)) === '00:00:00';
