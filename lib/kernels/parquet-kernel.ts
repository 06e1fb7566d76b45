import type { ExportRequest } from '../contracts/export-request.ts';
import type { OpenPage } from '../formats/parquet/column-chunk.ts';
import { type ParquetSizes, sizesOf } from '../formats/parquet/data-page.ts';
import { RowGroupWriter } from '../formats/parquet/row-group-writer.ts';
import type { RowGroup } from '../formats/parquet/row-groups.ts';
import type { FileColumn } from '../formats/parquet/schema.ts';
import { asStrings, columnTypes, physicalType } from '../formats/parquet/types.ts';
import type { BufferPool } from '../runtime/buffer-pool.ts';
import { CopyBinaryParser } from '../sources/copy/binary-parser.ts';
import { headBytes, type KernelMemory } from './kernel-memory.ts';
import { type KernelColumn, KernelPages, maxColumns, parquetKernelBytes } from './parquet-pages.ts';
import { type KernelContext, type KernelPlan, type RowKernel, stops } from './row-kernel.ts';

/** The numbers of the types in lib/kernels/assembly/parquet.ts. */
const kinds = new Map<FileColumn['parquetType'], number>([
  [columnTypes.boolean, 0],
  [columnTypes.int2, 1],
  [columnTypes.int4, 2],
  [columnTypes.float4, 2],
  [columnTypes.int8, 3],
  [columnTypes.float8, 3],
  [columnTypes.time, 3],
  [columnTypes.date, 4],
  [columnTypes.timestamp, 5],
  [columnTypes.timestamptz, 5],
  [columnTypes.uuid, 6],
  [asStrings.uuid, 7],
  [columnTypes.text, 8],
  [columnTypes.bytea, 8],
  [columnTypes.json, 8],
  [asStrings.json, 8],
  [columnTypes.jsonb, 9],
  [asStrings.jsonb, 9],
]);
const decimalKinds = new Map<FileColumn['parquetType']['physicalType'], number>([
  [physicalType.int32, 10],
  [physicalType.int64, 11],
]);

/** Returns the number of the type of a column, undefined if the kernel does not encode it. */
function kindOf({ parquetType, list }: FileColumn): number | undefined {
  if (list) return undefined;
  return parquetType.decimal ? decimalKinds.get(parquetType.physicalType) : kinds.get(parquetType);
}

/** The head of the rows: a signature, flags, and an extension, which begins with its length. */
const extensionAt = 15;
const extensionLengthBytes = 4;
const endOfRows = -1;
const notWhole = 'COPY sent a message that is not one whole row';

interface ParquetRows {
  columns: readonly FileColumn[];
  compression: ExportRequest['compression'];
  sizes: ParquetSizes;
}

/**
 * Parquet's row groups, with pages that a kernel fills; they are the same bytes that `ParquetEncoder` writes. A row that
 * the kernel does not encode (one with a long value, or with one that the file cannot hold) is encoded by the same code
 * as there, and so are the rows after it up to the end of the row group, so that the pages have the same rows.
 */
class ParquetKernel implements RowKernel {
  pending: Promise<void> | undefined;
  readonly #memory: KernelMemory;
  readonly #emit: (chunk: Buffer) => void;
  readonly #pool: BufferPool;
  /** A chunk of the pool that is not full yet, and its bytes. */
  #chunk: Buffer | undefined;
  #filled = 0;
  readonly #writer: RowGroupWriter;
  readonly #pages: KernelPages;
  readonly #rowGroupBytes: number;
  readonly #parser: CopyBinaryParser;
  /** Bytes before the first row, in its message; null before that is received. */
  #toSkip: number | null = null;
  /** Rows of the row groups that have ended. */
  #rowsBefore = 0;
  /** Rows of the open row group that were encoded without the kernel, after those of the kernel; null: the kernel encodes. */
  #apart: { rows: number; bytes: number } | null = null;
  #hasEnded = false;
  /** Bytes of the rows that the parser has read. */
  #parsedBytes = 0;

  constructor(
    { memory, pool, emit }: KernelContext,
    { columns, compression, sizes }: ParquetRows,
    kernelColumns: readonly KernelColumn[],
  ) {
    this.#memory = memory;
    this.#emit = emit;
    this.#pool = pool;
    this.#writer = new RowGroupWriter(columns, compression, sizes);
    this.#pages = new KernelPages(memory, kernelColumns, sizes);
    this.#rowGroupBytes = sizes.rowGroupBytes;
    this.#parser = new CopyBinaryParser(columns.length);
  }

  get rows(): number {
    return this.#rowsBefore + this.#pages.rows + (this.#apart?.rows ?? 0);
  }

  nulled(): readonly number[] {
    return this.#writer.columns.map(({ nulled }, n) => nulled + this.#pages.nulled(n));
  }

  metadata(): readonly RowGroup[] {
    return this.#writer.groups;
  }

  encode(from: number, end: number): number {
    let at = from;
    while (!this.pending) {
      const length = this.#memory.wholeRowAt(at, end);
      if (length === null) return at;
      const row = this.#memory.rowAt(at);
      if (this.#hasEnded) throw new Error('COPY sent bytes after its end');
      this.#toSkip ??= this.#readHead(row);
      if (this.#apart) {
        this.#append(row.subarray(this.#toSkip));
        this.#toSkip = 0;
        at += headBytes + length;
      } else {
        const stopped = this.#pages.encode(at, end, this.#toSkip);
        if (stopped.at > at) this.#toSkip = 0;
        at = stopped.at;
        if (stopped.reason === stops.full) this.#takePages();
        else if (stopped.reason === stops.end) this.#hasEnded = true;
        else if (stopped.reason === stops.other) this.#continueApart();
        else return at;
      }
    }
    return at;
  }

  encodeLongRow(bytes: Buffer, isLast: boolean): void {
    if (this.#hasEnded) throw new Error('COPY sent bytes after its end');
    if (!this.#apart) this.#continueApart();
    // The parser reads what precedes the first row.
    this.#toSkip ??= 0;
    this.#parser.push(bytes);
    if (this.#parser.next() !== isLast) throw new Error(notWhole);
    if (isLast) this.#appendParsed();
  }

  flush(): void {
    // A row group is passed on as a whole.
  }

  end(): void {
    if (!this.#hasEnded) throw new Error('the rows end inside a row');
    const finish = async (): Promise<void> => {
      if (this.#pages.rows > 0 || this.#apart) await this.#endGroup();
      this.#writer.checkRows(this.rows);
    };
    this.#waitFor(finish());
  }

  /** Reads what precedes the first row in its message, and returns its length. */
  #readHead(row: Buffer): number {
    const fixed = extensionAt + extensionLengthBytes;
    const extension = row.length < fixed ? 0 : row.readUInt32BE(extensionAt);
    const head = row.subarray(0, fixed + extension);
    this.#parser.push(head);
    this.#parser.next();
    return head.length;
  }

  #takePages(): void {
    if (this.#pages.rowBytes >= this.#rowGroupBytes) return this.#waitFor(this.#endGroup());
    const take = async (): Promise<void> => {
      await this.#takeEach(this.#pages.full());
      this.#pages.continueGroup();
    };
    this.#waitFor(take());
  }

  /** Takes the pages of columns, which stay in the memory of the kernel until they can be compressed. */
  async #takeEach(columns: readonly number[]): Promise<void> {
    for (const column of columns) {
      await this.#writer.compressor.waitForCapacity();
      this.#pages.take(column, this.#addPage);
    }
  }

  /** Encodes the next rows of the row group without the kernel. Open pages are continued. */
  #continueApart(): void {
    for (const column of this.#pages.open())
      this.#pages.take(column, (n, page) => this.#writer.columns[n]?.continuePage(page));
    this.#apart = { rows: 0, bytes: this.#pages.rowBytes };
  }

  #append(row: Buffer): void {
    if (row.length === 2 && row.readInt16BE() === endOfRows) {
      this.#hasEnded = true;
      return;
    }
    this.#parser.push(row);
    if (!this.#parser.next()) throw new Error(notWhole);
    this.#appendParsed();
  }

  #appendParsed(): void {
    const apart = this.#apart;
    if (!apart || this.#parser.bytesLeft > 0) throw new Error(notWhole);
    this.#writer.append(this.#parser, this.rows + 1);
    apart.rows++;
    apart.bytes += this.#parser.rowBytes - this.#parsedBytes;
    this.#parsedBytes = this.#parser.rowBytes;
    if (apart.bytes >= this.#rowGroupBytes) this.#waitFor(this.#endGroup());
  }

  async #endGroup(): Promise<void> {
    await this.#takeEach(this.#pages.open());
    this.#rowsBefore = this.rows;
    this.#apart = null;
    this.#pages.beginGroup();
    const { codec } = this.#writer.compressor;
    for await (const bytes of this.#writer.endGroup()) {
      if (codec.release) this.#copy(bytes);
      else this.#emit(bytes);
      codec.release?.(bytes);
    }
    this.#emitChunk();
  }

  /** Copies bytes into chunks of the pool. */
  #copy(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      this.#chunk ??= this.#pool.acquire();
      const copied = bytes.copy(this.#chunk, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled === this.#chunk.length) this.#emitChunk();
    }
  }

  #emitChunk(): void {
    if (this.#chunk) this.#emit(this.#chunk.subarray(0, this.#filled));
    this.#chunk = undefined;
    this.#filled = 0;
  }

  #waitFor(work: Promise<void>): void {
    this.pending = work.finally(() => {
      this.pending = undefined;
    });
  }

  readonly #addPage = (column: number, page: OpenPage): void =>
    this.#writer.columns[column]?.addPage(page);
}

/**
 * Returns the plan of a kernel for these columns, undefined if the kernel does not know the type of one.
 *
 * @param sizes of pages and row groups, in tests
 */
export function parquetKernel(
  columns: readonly FileColumn[],
  compression: ExportRequest['compression'],
  sizes: Partial<ParquetSizes> = {},
): KernelPlan | undefined {
  if (columns.length === 0 || columns.length > maxColumns) return undefined;
  const kernelColumns: KernelColumn[] = [];
  for (const column of columns) {
    const kind = kindOf(column);
    if (kind === undefined) return undefined;
    kernelColumns.push({ kind, decimal: column.parquetType.decimal });
  }
  const rows = { columns, compression, sizes: { ...sizesOf(columns.length), ...sizes } };
  return {
    bytes: parquetKernelBytes,
    create: (context) => new ParquetKernel(context, rows, kernelColumns),
  };
}
