import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import {
  compressionExtensions,
  encryptedExtension,
  fileCompressionOf,
} from '../../lib/contracts/format-capabilities.ts';
import { day, dayAndClock } from '../time/format.ts';
import { rowChoices } from './choices.ts';

/** What an export is called on the page: by people, else its file, or the file it is to become. */
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

/** `sales · status = cancelled · 1 Mar – 31 Mar · 12 columns`; `orders.csv · …` before it if the export has a name. */
export function summary(request: ExportRequest, zone: string): string {
  const columns = request.columns?.length;
  return [
    ...(request.name === undefined ? [] : [datasetFile(request)]),
    request.sources.join(', '),
    ...rowChoices(request),
    rangeSummary(request, zone),
    columns === undefined ? 'all columns' : `${columns} ${columns === 1 ? 'column' : 'columns'}`,
  ].join(' · ');
}

/** Whole days as their first and last, `1 Mar – 31 Mar`; other bounds with their times, `1 Mar 10:00 CET – …`. */
function rangeSummary({ from, to }: ExportRequest, zone: string): string {
  if (from === undefined && to === undefined) return 'all times';
  if (to === undefined) return `from ${from === undefined ? '' : dayAndClock(zone, from)}`;
  if (from === undefined) return `before ${dayAndClock(zone, to)}`;
  if (!isMidnight(from, zone) || !isMidnight(to, zone))
    return `${dayAndClock(zone, from, to)} – ${dayAndClock(zone, to, from)}`;
  const lastDay = new Date(Date.parse(to) - 1).toISOString();
  const [first, last] = [day(zone, from, lastDay), day(zone, lastDay, from)];
  return first === last ? first : `${first} – ${last}`;
}

function isMidnight(instant: string, zone: string): boolean {
  const time = new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeStyle: 'medium' });
  return time.format(new Date(instant)) === '00:00:00';
}
