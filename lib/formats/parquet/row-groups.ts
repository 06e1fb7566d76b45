import { type ColumnChunk, pagesOf } from './column-chunk.ts';
import { encodings, type Page, type ValueEncoding } from './data-page.ts';
import type { MinMax } from './statistics.ts';

/** Minimum and maximum in base64. An earlier version left out `minExact` and `maxExact`: its bounds were exact. */
type Bounds = { min: string; max: string; minExact?: boolean; maxExact?: boolean } | null;

/** What the page index contains about a data page. */
export interface PagePlace {
  bytes: number;
  rows: number;
  values: number;
  nulls: number;
  bounds: Bounds;
}

/** What the footer contains about a column chunk. It may be stored as JSON until the footer is written. */
export interface ChunkPlace {
  /** Number of levels. A list has one for each of its values, or one if it is empty or NULL. */
  values: number;
  nulls: number;
  bounds: Bounds;
  /** Offset in the segment; in the file, once the footer is written. */
  offset: number;
  bytes: number;
  /** Bytes without compression. */
  plainBytes: number;
  /** Number of data pages by the encoding of their values. An earlier version left it out: all were PLAIN. */
  encodings?: Partial<Record<ValueEncoding, number>>;
  /** Bytes of the dictionary, with which the column chunk starts. */
  dictionaryBytes?: number;
  /** The data pages, if there are several. */
  pages?: PagePlace[];
}

/** A row group, and the places of its column chunks. */
export interface RowGroup {
  rows: number;
  /** In the order of the columns. */
  chunks: ChunkPlace[];
}

/** Returns the place of a column chunk that starts at `offset`. */
export function chunkPlaceOf(chunk: ColumnChunk, offset: number): ChunkPlace {
  const { values, nulls, bounds, dictionary, pages } = chunk;
  const counts: ChunkPlace['encodings'] = {};
  for (const { encoding } of pages) counts[encoding] = (counts[encoding] ?? 0) + 1;
  const all = pagesOf(chunk);
  return {
    values,
    nulls,
    bounds: toBase64(bounds),
    offset,
    bytes: sum(all, sizeOf),
    plainBytes: sum(all, ({ uncompressedBytes }) => uncompressedBytes),
    encodings: counts,
    ...(dictionary ? { dictionaryBytes: sizeOf(dictionary) } : {}),
    ...(pages.length > 1 ? { pages: pages.map(pagePlaceOf) } : {}),
  };
}

const pagePlaceOf = (page: ColumnChunk['pages'][number]): PagePlace => ({
  bytes: sizeOf(page),
  rows: page.rows,
  values: page.values,
  nulls: page.nulls,
  bounds: toBase64(page.bounds),
});

const sizeOf = ({ header, body }: Page): number => header.length + body.length;

const toBase64 = (bounds: MinMax | null): Bounds => {
  if (bounds === null) return null;
  const { min, max, ...exact } = bounds;
  return { min: min.toString('base64'), max: max.toString('base64'), ...exact };
};

export const sum = <T>(values: readonly T[], of: (value: T) => number): number =>
  values.reduce((total, value) => total + of(value), 0);

/**
 * Returns the row groups from the metadata of a segment, which was stored as JSON if another worker encoded it. Throws
 * for anything else. Checked without zod, which would cost each worker thread 19 MB.
 */
export function rowGroupsOf(fragment: unknown): RowGroup[] {
  if (!Array.isArray(fragment) || !fragment.every(isRowGroup))
    throw new Error('the metadata of a Parquet segment does not list its row groups');
  return fragment;
}

/**
 * Returns the row groups with the bounds of only those columns that have bounds in every row group with values.
 * DataFusion takes the bounds of a file from the row groups that have some, and skips the file for a value that is
 * outside of them, even if a row group without bounds has that value.
 */
export function withBoundsOfAll(groups: readonly RowGroup[]): RowGroup[] {
  const isKnown = (groups[0]?.chunks ?? []).map((_, n) =>
    groups.every(({ chunks }) => {
      const place = chunks[n];
      return place === undefined || place.bounds !== null || place.nulls === place.values;
    }),
  );
  return groups.map(({ rows, chunks }) => ({
    rows,
    chunks: chunks.map((chunk, n) => (isKnown[n] === true ? chunk : withoutBounds(chunk))),
  }));
}

const withoutBounds = ({ pages, ...chunk }: ChunkPlace): ChunkPlace => ({
  ...chunk,
  bounds: null,
  ...(pages ? { pages: pages.map((page) => ({ ...page, bounds: null })) } : {}),
});

const isObject = (it: unknown): it is object => typeof it === 'object' && it !== null;

const isRowGroup = (it: unknown): it is RowGroup =>
  isObject(it) &&
  'rows' in it &&
  typeof it.rows === 'number' &&
  'chunks' in it &&
  Array.isArray(it.chunks) &&
  it.chunks.every(isPlace);

const isPlace = (it: unknown): it is ChunkPlace =>
  isObject(it) &&
  haveNumbers(it, ['values', 'nulls', 'offset', 'bytes', 'plainBytes']) &&
  'bounds' in it &&
  isBounds(it.bounds) &&
  isAbsentOr(it, 'encodings', isCounts) &&
  isAbsentOr(it, 'dictionaryBytes', (bytes) => typeof bytes === 'number') &&
  isAbsentOr(it, 'pages', (pages) => Array.isArray(pages) && pages.every(isPage));

const isPage = (it: unknown): boolean =>
  isObject(it) &&
  haveNumbers(it, ['bytes', 'rows', 'values', 'nulls']) &&
  'bounds' in it &&
  isBounds(it.bounds);

const isCounts = (it: unknown): boolean =>
  isObject(it) &&
  Object.entries(it).every(([name, count]) => name in encodings && typeof count === 'number');

const haveNumbers = (it: object, names: readonly string[]): boolean =>
  names.every((name) => typeof Reflect.get(it, name) === 'number');

const isAbsentOr = (it: object, name: string, is: (value: unknown) => boolean): boolean =>
  Reflect.get(it, name) === undefined || is(Reflect.get(it, name));

const isBounds = (it: unknown): boolean =>
  it === null ||
  (isObject(it) &&
    ['min', 'max'].every((name) => typeof Reflect.get(it, name) === 'string') &&
    ['minExact', 'maxExact'].every((name) =>
      ['boolean', 'undefined'].includes(typeof Reflect.get(it, name)),
    ));
