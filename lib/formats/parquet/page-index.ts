import { emptyBuffer } from '../format.ts';
import type { ChunkPlace, PagePlace, RowGroup } from './row-groups.ts';
import { struct } from './thrift.ts';

interface Place {
  offset: number;
  length: number;
}

/** The places of the indices of a column chunk. */
export interface ChunkIndex {
  /** Of the offsets of its pages. */
  offsets: Place;
  /** Of the bounds of its pages; null: a page has values without bounds. */
  bounds: Place | null;
}

/** Pages are not sorted by their bounds; which of them are is not examined. */
const unordered = 0;

/**
 * Returns the page index, by which readers skip pages: for each column chunk the bounds of its pages, then for each the
 * offsets. Returns null if no column chunk has several pages, because the bounds of column chunks are in the footer, or
 * if an earlier version encoded a row group, and did not say where its pages are.
 * https://parquet.apache.org/docs/file-format/pageindex/
 */
export function pageIndexOf(
  groups: readonly RowGroup[],
  offset: number,
): { bytes: Buffer; chunks: ChunkIndex[][] } | null {
  const places = groups.map(({ rows, chunks }) =>
    chunks.map((chunk) => ({ chunk, pages: pagesIn(chunk, rows) })),
  );
  const all = places.flat();
  if (!all.some(({ chunk }) => chunk.pages) || all.some(({ pages }) => pages === null)) return null;
  const parts: Buffer[] = [];
  let end = offset;
  const add = (bytes: Buffer): Place => {
    parts.push(bytes);
    end += bytes.length;
    return { offset: end - bytes.length, length: bytes.length };
  };
  const bounds = places.map((group) =>
    group.map(({ pages }) => {
      const index = boundsOf(pages ?? []);
      return index && add(index);
    }),
  );
  const chunks = places.map((group, g) =>
    group.map(({ chunk, pages }, n) => ({
      offsets: add(offsetsOf(chunk, pages ?? [])),
      bounds: bounds[g]?.[n] ?? null,
    })),
  );
  return { bytes: Buffer.concat(parts), chunks };
}

function pagesIn(chunk: ChunkPlace, rows: number): PagePlace[] | null {
  if (!chunk.encodings) return null;
  const { bytes, dictionaryBytes = 0, values, nulls, bounds } = chunk;
  return chunk.pages ?? [{ bytes: bytes - dictionaryBytes, rows, values, nulls, bounds }];
}

function boundsOf(pages: readonly PagePlace[]): Buffer | null {
  const isEmpty = ({ values, nulls }: PagePlace): boolean => values === nulls;
  if (pages.some((page) => page.bounds === null && !isEmpty(page))) return null;
  const bytesOf = (text = ''): Buffer => (text === '' ? emptyBuffer : Buffer.from(text, 'base64'));
  return struct((index) => {
    index.bools(1, pages.map(isEmpty));
    index.binaries(
      2,
      pages.map(({ bounds }) => bytesOf(bounds?.min)),
    );
    index.binaries(
      3,
      pages.map(({ bounds }) => bytesOf(bounds?.max)),
    );
    index.i32(4, unordered);
    index.i64s(
      5,
      pages.map(({ nulls }) => nulls),
    );
  });
}

function offsetsOf(
  { offset, dictionaryBytes = 0 }: ChunkPlace,
  pages: readonly PagePlace[],
): Buffer {
  let start = offset + dictionaryBytes;
  let firstRow = 0;
  return struct((index) =>
    index.structs(1, pages, (location, { bytes, rows }) => {
      location.i64(1, start);
      location.i32(2, bytes);
      location.i64(3, firstRow);
      start += bytes;
      firstRow += rows;
    }),
  );
}
