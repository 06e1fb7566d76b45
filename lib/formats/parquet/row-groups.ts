/** What the footer says of a column chunk. It may be kept as JSON until the file has its footer. */
export interface ChunkPlace {
  /** Levels: a list has one for each of its values. */
  values: number;
  nulls: number;
  /** Least and greatest value, base64. Whether they are exact is not said by an earlier version, whose bounds were. */
  bounds: { min: string; max: string; minExact?: boolean; maxExact?: boolean } | null;
  /** Where it begins in its part of the file, and in the whole once that is put together. */
  offset: number;
  bytes: number;
  plainBytes: number;
}

/** A row group of a file, and where its column chunks lie. */
export interface RowGroup {
  rows: number;
  /** One for each column. */
  chunks: ChunkPlace[];
}

/**
 * Returns the row groups that an encoder of this format left as its `fragment`, which went through JSON where its
 * unit was another worker's. Throws if it is anything else. By hand: zod would cost each encoder's thread 19 MB.
 */
export function rowGroupsOf(fragment: unknown): RowGroup[] {
  if (!Array.isArray(fragment) || !fragment.every(isRowGroup))
    throw new Error('a part of a Parquet file whose row groups are not known');
  return fragment;
}

/**
 * Returns the row groups with the bounds of those columns that have them wherever there is a value. DataFusion takes
 * those of a file from the groups that have some, and passes the file over for what is beyond them in another.
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
