import { version } from '../../runtime/version.ts';
import { encodingsUsed } from './data-page.ts';
import type { ChunkPlace, RowGroup } from './row-groups.ts';
import type { FileColumn } from './schema.ts';
import { type Struct, struct } from './thrift.ts';

/** A file starts and ends with these bytes. */
export const magic = Buffer.from('PAR1');

const optional = 1;
const repeated = 2;
const listType = 3;

/** Returns the footer of a file: its schema, the places of its column chunks, and the length of the footer. */
export function footer(
  columns: readonly FileColumn[],
  groups: readonly RowGroup[],
  codec: number,
): Buffer {
  const metadata = struct((file) => {
    file.i32(1, 2);
    file.structs(2, schema(columns), (element, write) => write(element));
    file.i64(
      3,
      sum(groups, ({ rows }) => rows),
    );
    file.structs(4, groups, (group, value) => rowGroup(group, value, columns, codec));
    // Readers look for `name version x`, to work around known defects of a writer.
    file.binary(6, `streamsync version ${version}`);
    // Minimum and maximum are by the order that the format defines for each type.
    file.structs(7, columns, (order) => order.struct(1, () => undefined));
  });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(metadata.length);
  return Buffer.concat([metadata, length, magic]);
}

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
  columns: readonly FileColumn[],
  codec: number,
): void {
  const places = columns.map((column, n) => {
    const place = chunks[n];
    if (!place) throw new Error(`a row group lacks the column ${column.name}`);
    return { column, place };
  });
  group.structs(1, places, (chunk, { column, place }) => {
    chunk.i64(2, 0);
    chunk.struct(3, (metadata) => columnChunk(metadata, column, place, codec));
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
  metadata.i32s(2, encodingsUsed);
  metadata.binaries(3, list ? [name, 'list', 'element'] : [name]);
  metadata.i32(4, codec);
  metadata.i64(5, place.values);
  metadata.i64(6, place.plainBytes);
  metadata.i64(7, place.bytes);
  metadata.i64(9, place.offset);
  metadata.struct(12, (statistics) => {
    statistics.i64(3, place.nulls);
    if (place.bounds === null) return;
    const { min, max, minExact = true, maxExact = true } = place.bounds;
    statistics.binary(5, Buffer.from(max, 'base64'));
    statistics.binary(6, Buffer.from(min, 'base64'));
    statistics.bool(7, maxExact);
    statistics.bool(8, minExact);
  });
}

const sum = <T>(values: readonly T[], of: (value: T) => number): number =>
  values.reduce((total, value) => total + of(value), 0);
