import { version } from '../../runtime/version.ts';
import { emptyBuffer } from '../format.ts';
import { encodings, pageTypes } from './data-page.ts';
import { type ChunkIndex, pageIndexOf } from './page-index.ts';
import { type ChunkPlace, type RowGroup, sum } from './row-groups.ts';
import type { FileColumn } from './schema.ts';
import { type Struct, struct } from './thrift.ts';

/** A file starts and ends with these bytes. */
export const magic = Buffer.from('PAR1');

const optional = 1;
const repeated = 2;
const listType = 3;

interface FileParts {
  columns: readonly FileColumn[];
  groups: readonly RowGroup[];
  codec: number;
  /** Bytes of the file before the page index. */
  offset: number;
}

/**
 * Returns the end of a file: the page index, then the footer with the schema and the places of the column chunks, and
 * the length of the footer.
 */
export function footer({ columns, groups, codec, offset }: FileParts): Buffer {
  const index = pageIndexOf(groups, offset);
  const metadata = struct((file) => {
    file.i32(1, 2);
    file.structs(2, schema(columns), (element, write) => write(element));
    file.i64(
      3,
      sum(groups, ({ rows }) => rows),
    );
    file.structs(4, [...groups.entries()], (group, [n, value]) =>
      rowGroup(group, value, { columns, codec, indices: index?.chunks[n] ?? [] }),
    );
    // Readers look for `name version x`, to work around known defects of a writer.
    file.binary(6, `streamsync version ${version}`);
    // Minimum and maximum are by the order that the format defines for each type.
    file.structs(7, columns, (order) => order.struct(1, () => undefined));
  });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(metadata.length);
  return Buffer.concat([index?.bytes ?? emptyBuffer, metadata, length, magic]);
}

const valueEncodings = ['plain', 'delta', 'dictionary'] as const;

type Element = (element: Struct) => void;

/** Returns the tree of columns as a list in which each element precedes its children. Every column may be NULL. */
function schema(columns: readonly FileColumn[]): Element[] {
  const root: Element = (element) => {
    element.binary(4, 'rows');
    element.i32(5, columns.length);
  };
  return [root, ...columns.flatMap((column) => elements(column))];
}

function elements({ name, parquetType, list }: FileColumn): Element[] {
  if (!list) return [leaf(name, parquetType)];
  return [
    (outer) => {
      outer.i32(3, optional);
      outer.binary(4, name);
      outer.i32(5, 1);
      outer.i32(6, listType);
      outer.struct(10, (type) => type.struct(listType, () => undefined));
    },
    (values) => {
      values.i32(3, repeated);
      values.binary(4, 'list');
      values.i32(5, 1);
    },
    leaf('element', parquetType),
  ];
}

const leaf =
  (name: string, { physicalType, width, logical }: FileColumn['parquetType']): Element =>
  (element) => {
    element.i32(1, physicalType);
    if (width !== undefined) element.i32(2, width);
    element.i32(3, optional);
    element.binary(4, name);
    logical?.(element);
  };

function rowGroup(
  group: Struct,
  { rows, chunks }: RowGroup,
  options: { columns: readonly FileColumn[]; codec: number; indices: readonly ChunkIndex[] },
): void {
  const places = options.columns.map((column, n) => {
    const place = chunks[n];
    if (!place) throw new Error(`a row group lacks the column ${column.name}`);
    return { column, place, index: options.indices[n] };
  });
  group.structs(1, places, (chunk, { column, place, index }) => {
    chunk.i64(2, 0);
    chunk.struct(3, (metadata) => columnChunk(metadata, column, place, options.codec));
    if (!index) return;
    chunk.i64(4, index.offsets.offset);
    chunk.i32(5, index.offsets.length);
    if (!index.bounds) return;
    chunk.i64(6, index.bounds.offset);
    chunk.i32(7, index.bounds.length);
  });
  group.i64(
    2,
    sum(chunks, ({ plainBytes }) => plainBytes),
  );
  group.i64(3, rows);
  group.i64(5, chunks[0]?.offset ?? 0);
  group.i64(
    6,
    sum(chunks, ({ bytes }) => bytes),
  );
}

function columnChunk(
  metadata: Struct,
  { name, parquetType, list }: FileColumn,
  place: ChunkPlace,
  codec: number,
): void {
  metadata.i32(1, parquetType.physicalType);
  const { dictionaryBytes = 0, encodings: counts = { plain: 1 } } = place;
  const pageCounts = [
    ...(dictionaryBytes > 0
      ? [{ type: pageTypes.dictionary, encoding: encodings.plain, count: 1 }]
      : []),
    ...valueEncodings.flatMap((values) => {
      const count = counts[values] ?? 0;
      return count > 0 ? [{ type: pageTypes.data, encoding: encodings[values], count }] : [];
    }),
  ];
  metadata.i32s(2, [...new Set([...pageCounts.map(({ encoding }) => encoding), encodings.rle])]);
  metadata.binaries(3, list ? [name, 'list', 'element'] : [name]);
  metadata.i32(4, codec);
  metadata.i64(5, place.values);
  metadata.i64(6, place.plainBytes);
  metadata.i64(7, place.bytes);
  metadata.i64(9, place.offset + dictionaryBytes);
  if (dictionaryBytes > 0) metadata.i64(11, place.offset);
  metadata.struct(12, (statistics) => {
    statistics.i64(3, place.nulls);
    if (place.bounds === null) return;
    const { min, max, minExact = true, maxExact = true } = place.bounds;
    statistics.binary(5, Buffer.from(max, 'base64'));
    statistics.binary(6, Buffer.from(min, 'base64'));
    statistics.bool(7, maxExact);
    statistics.bool(8, minExact);
  });
  // An earlier version did not count the pages.
  if (place.encodings)
    metadata.structs(13, pageCounts, (stats, { type, encoding, count }) => {
      stats.i32(1, type);
      stats.i32(2, encoding);
      stats.i32(3, count);
    });
}
