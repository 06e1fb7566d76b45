import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import { day, dayAndClock } from '../time/format.ts';
import { choicesInRow } from './choices.ts';

/** What an export is called on the page: its file, or the file it is to become. */
export const exportName = ({ file, request }: ExportDocument): string =>
  file?.name ?? `${request.dataset}.${request.format}${endingOf(request)}`;

/** Parquet is compressed on the inside. */
const endingOf = ({ format, compression }: ExportRequest): string =>
  format === 'parquet' ? '' : compressedEndings[compression];

const compressedEndings: Record<ExportRequest['compression'], string> = {
  none: '',
  gzip: '.gz',
  zstd: '.zst',
  snappy: '',
};

/** What the choices of a request are called on the page. */
export const formatNames: Record<ExportRequest['format'], string> = {
  csv: 'CSV',
  json: 'JSON',
  ndjson: 'NDJSON',
  xlsx: 'Excel',
  parquet: 'Parquet',
};

export const compressionNames: Record<ExportRequest['compression'], string> = {
  none: 'None',
  gzip: 'gzip',
  zstd: 'zstd',
  snappy: 'Snappy',
};

export const consistencyNames: Record<ExportRequest['consistency'], string> = {
  snapshot: 'One moment',
  resumable: 'Any size, resumable',
};

/** The id of the row of an export in the page. */
export const rowId = (id: string): string => `export-${id}`;

/** `sales · status = cancelled · 1 Mar – 31 Mar · 12 columns` */
export function summary(request: ExportRequest, zone: string): string {
  const columns = request.columns?.length;
  return [
    request.sources.join(', '),
    ...choicesInRow(request),
    rangeSummary(request, zone),
    columns === undefined ? 'all columns' : `${columns} ${columns === 1 ? 'column' : 'columns'}`,
  ].join(' · ');
}

/** Whole days by their first and last, `1 Mar – 31 Mar CET`; other bounds with their times. */
function rangeSummary({ from, to }: ExportRequest, zone: string): string {
  if (from === undefined && to === undefined) return 'all times';
  if (to === undefined) return `from ${from === undefined ? '' : dayAndClock(zone, from)}`;
  if (from === undefined) return `before ${dayAndClock(zone, to)}`;
  if (!isMidnight(from, zone) || !isMidnight(to, zone))
    return `${dayAndClock(zone, from)} – ${dayAndClock(zone, to)}`;
  const lastDay = new Date(Date.parse(to) - 1).toISOString();
  const [first, last] = [day(zone, from), day(zone, lastDay)];
  return first === last ? first : `${first} – ${last}`;
}

function isMidnight(instant: string, zone: string): boolean {
  const time = new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeStyle: 'medium' });
  return time.format(new Date(instant)) === '00:00:00';
}
