import type { ExportRequest } from '../contracts/export-request.ts';

type NamedRequest = Pick<ExportRequest, 'dataset' | 'from' | 'to' | 'timeZone'> & {
  name?: string | undefined;
};

/** Returns the text in the characters that every system permits in a file name. */
const asciiOf = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9.-]+/g, '_')
    .slice(0, 100);

/** Returns the ASCII form of the name, or of the dataset if the name has no letter and digit in ASCII. */
function beginningOf({ name = '', dataset }: Pick<NamedRequest, 'name' | 'dataset'>): string {
  const ascii = asciiOf(name);
  return /[A-Za-z0-9]/.test(ascii) ? ascii : asciiOf(dataset);
}

/**
 * Returns `{name or dataset}_{range}_{last 8 of id}.{ext}` in ASCII. The range is in words if it is whole years, months
 * or days of the request's zone: `2025`, `2025-03`, `2025-01_to_2025-03`, `2025-03-01_to_2025-03-07`. The last one named
 * is still in the file. Without bounds the range is `all`.
 */
export function fileNameOf(request: NamedRequest, exportId: string, extension: string): string {
  return `${beginningOf(request)}_${rangeOf(request)}_${exportId.slice(-8)}.${extension}`;
}

/**
 * Returns the file name with the request's name in its own script, without the characters that file systems forbid. An
 * export without a name has only `fileName`.
 */
export function originalFileName(
  fileName: string,
  request: Pick<NamedRequest, 'name' | 'dataset'>,
): string {
  if (request.name === undefined) return fileName;
  const name = request.name.replace(/[\p{C}/\\:*?"<>|]+/gu, '_').trim();
  return `${name}${fileName.slice(beginningOf(request).length)}`;
}

function rangeOf({ from, to, timeZone }: NamedRequest): string {
  if (from === undefined && to === undefined) return 'all';
  const [first, end] = [from, to].map((bound) =>
    bound === undefined ? undefined : (dayIn(timeZone, bound) ?? null),
  );
  // A bound within a day is named as the instant it is.
  if (first === null || end === null) {
    const [start, stop] = [from, to].map((bound) => bound && shortTimestamp(bound));
    return named(start, stop, '_');
  }
  const last = end && dayBefore(end);
  for (const [beginning, ending, length] of [
    ['-01-01', '-12-31', 4],
    ['-01', monthEnd(last), 7],
  ] as const)
    if ((first ?? beginning).endsWith(beginning) && (last ?? ending).endsWith(ending))
      return named(first?.slice(0, length), last?.slice(0, length), '_to_');
  return named(first, last, '_to_');
}

const named = (
  first: string | undefined,
  last: string | undefined,
  between: '_to_' | '_',
): string => {
  if (first === undefined) return `until_${last}`;
  if (last === undefined) return `from_${first}`;
  return first === last ? first : `${first}${between}${last}`;
};

/** Returns `20240301T053000Z`. */
const shortTimestamp = (timestamp: string): string => timestamp.replace(/[-:]/g, '');

/** Returns the day that begins at this instant in the zone, `2024-03-01`; undefined if none does. */
function dayIn(timeZone: string, instant: string): string | undefined {
  if (instant.includes('.')) return undefined;
  const wall = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(new Date(instant));
  return /^(\d{4}-\d\d-\d\d) 00:00:00$/.exec(wall)?.[1];
}

const dayBefore = (day: string): string =>
  new Date(Date.parse(day) - 86_400_000).toISOString().slice(0, 10);

/** Returns `-31` for a day of January. */
const monthEnd = (day = '2000-01-31'): string => {
  const [year = 0, month = 0] = day.split('-').map(Number);
  return `-${new Date(Date.UTC(year, month, 0)).getUTCDate()}`;
};
