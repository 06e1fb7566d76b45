/** What the footer contains about a column chunk. It may be stored as JSON until the footer is written. */
export interface ChunkPlace {
  /** Number of levels. A list has one for each of its values, or one if it is empty or NULL. */
  values: number;
  nulls: number;
  /** Minimum and maximum in base64. An earlier version left out `minExact` and `maxExact`: its bounds were exact. */
  bounds: { min: string; max: string; minExact?: boolean; maxExact?: boolean } | null;
  /** Offset in the segment; in the file, once the footer is written. */
  offset: number;
  bytes: number;
  /** Bytes without compression. */
  plainBytes: number;
}

/** A row group, and the places of its column chunks. */
export interface RowGroup {
  rows: number;
  /** In the order of the columns. */
  chunks: ChunkPlace[];
}

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
    chunks: chunks.map((chunk, n) => (isKnown[n] === true ? chunk : { ...chunk, bounds: null })),
  }));
}

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
  ['values', 'nulls', 'offset', 'bytes', 'plainBytes'].every(
    (name) => typeof Reflect.get(it, name) === 'number',
  ) &&
  'bounds' in it &&
  (it.bounds === null || isBounds(it.bounds));

const isBounds = (it: unknown): boolean =>
  isObject(it) &&
  ['min', 'max'].every((name) => typeof Reflect.get(it, name) === 'string') &&
  ['minExact', 'maxExact'].every((name) =>
    ['boolean', 'undefined'].includes(typeof Reflect.get(it, name)),
  );
