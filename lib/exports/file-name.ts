import type { ExportRequest } from '../contracts/export-request.ts';

/** Returns the date of a midnight, and any other timestamp without `-` and `:`. */
function shortTimestamp(timestamp: string): string {
  return timestamp.endsWith('T00:00:00Z') ? timestamp.slice(0, 10) : timestamp.replace(/[-:]/g, '');
}

/** Returns the text in the characters that every system permits in a file name. */
const asciiOf = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9.-]+/g, '_')
    .slice(0, 100);

/**
 * Returns `{name or dataset}_{from}_{to}_{last 8 of id}.{ext}`, ASCII; a missing bound is `start` or `end`. A name
 * without letters and digits in ASCII is left out.
 */
export function fileNameOf(request: ExportRequest, exportId: string, extension: string): string {
  const name = asciiOf(request.name ?? '');
  const beginning = /[A-Za-z0-9]/.test(name) ? name : asciiOf(request.dataset);
  const from = request.from === undefined ? 'start' : shortTimestamp(request.from);
  const to = request.to === undefined ? 'end' : shortTimestamp(request.to);
  return `${beginning}_${from}_${to}_${exportId.slice(-8)}.${extension}`;
}
