import type { ExportRequest } from '../contracts/export-request.ts';

/** A midnight is its day; any other instant is written without separators. */
const short = (instant: string): string =>
  instant.endsWith('T00:00:00Z') ? instant.slice(0, 10) : instant.replace(/[-:]/g, '');

/** `{dataset}_{from}_{to}_{last 8 of id}.{ext}`, ASCII; a missing bound is `start` or `end`. */
export function fileNameOf(request: ExportRequest, exportId: string, extension: string): string {
  const dataset = request.dataset
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9.-]+/g, '_')
    .slice(0, 100);
  const from = request.from === undefined ? 'start' : short(request.from);
  const to = request.to === undefined ? 'end' : short(request.to);
  return `${dataset}_${from}_${to}_${exportId.slice(-8)}.${extension}`;
}
