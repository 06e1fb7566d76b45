import { crc32 } from 'node:zlib';
import { BufferPool } from '../../runtime/buffer-pool.ts';
import { freeBuffer } from '../../runtime/free-buffer.ts';
import { memoryBudget, memoryLimits } from '../../runtime/memory-budget.ts';
import type { Codec } from './codecs.ts';
import { type Struct, struct } from './thrift.ts';

/** A page of a column chunk as it is in the file. */
export interface Page {
  header: Buffer;
  body: Buffer;
  /** Bytes of the header and of the uncompressed body. */
  uncompressedBytes: number;
}

const maxInFlight = memoryLimits.pagesInFlight;

/** The sizes at which a row group or a page ends. */
export interface ParquetSizes {
  /**
   * Bytes of COPY's output per row group. Large row groups are faster to read; but the compressed pages of one stay
   * in memory until it ends, because a row group has its columns one after the other.
   */
  rowGroupBytes: number;
  /** Bytes of values per page. */
  pageBytes: number;
  /** Levels per page. */
  pageLevels: number;
}

/** The sizes for a table of few columns. */
export const defaultSizes: ParquetSizes = {
  rowGroupBytes: memoryBudget.rowGroup.bytes,
  pageBytes: memoryLimits.pageBytes,
  pageLevels: 256 * 1_024,
};

/** Bytes of a row, and of each of its values, in COPY's binary format if all are NULL or empty. */
const [rowHead, valueHead] = [2, 4];
/** Of the memory of a column that a kernel has, the share of a page; the rest is room for its last value. */
const pageShare = 0.75;

/** Returns the sizes for a table of that many columns: the open pages of all fit into the memory of a kernel. */
export function sizesOf(columns: number): ParquetSizes {
  const { rowGroupBytes, pageBytes, pageLevels } = defaultSizes;
  // A row group has no more rows, so the bitmap of a page needs no more bits.
  const rows = Math.ceil(rowGroupBytes / (rowHead + valueHead * columns)) + 1;
  const levels = Math.min(pageLevels, 8 * Math.ceil(rows / 8));
  const bytes = memoryLimits.openPages / Math.max(1, columns) - levels / 8;
  return {
    rowGroupBytes,
    pageBytes: Math.min(pageBytes, Math.floor(pageShare * bytes)),
    pageLevels: levels,
  };
}

/** Room for one page, its last value and its levels. A page with a larger value gets its own buffer. */
const bufferBytes = memoryBudget.pageBuffer.bytes;

/** Of all encoders of this thread: Node's pool is one for all of them. */
const inFlight = new Set<Promise<Page>>();
const pool = new BufferPool(bufferBytes, memoryBudget.pageBuffer.count);

/** `enum Encoding` of parquet.thrift. */
export const encodings = { plain: 0, rle: 3, delta: 5, dictionary: 8 } as const;

/** How the values of a data page are encoded. */
export type ValueEncoding = Exclude<keyof typeof encodings, 'rle'>;

/** `enum PageType` of parquet.thrift. */
export const pageTypes = { data: 0, dictionary: 2 } as const;

/** Compresses pages; gzip and zstd run in Node's thread pool. */
export class PageCompressor {
  readonly codec: Codec;

  constructor(codec: Codec) {
    this.codec = codec;
  }

  /** Returns a data page of `values` levels. `sections`: the levels, then the values that are not NULL; they are copied. */
  compress(
    sections: readonly Uint8Array[],
    { values, encoding }: { values: number; encoding: ValueEncoding },
  ): Promise<Page> {
    return this.#start(sections, pageTypes.data, (header) =>
      header.struct(5, (data) => {
        data.i32(1, values);
        data.i32(2, encodings[encoding]);
        data.i32(3, encodings.rle);
        data.i32(4, encodings.rle);
      }),
    );
  }

  /** Returns the page of a dictionary with these values, which are copied. */
  compressDictionary(values: Uint8Array, entries: number): Promise<Page> {
    return this.#start([values], pageTypes.dictionary, (header) =>
      header.struct(7, (dictionary) => {
        dictionary.i32(1, entries);
        dictionary.i32(2, encodings.plain);
      }),
    );
  }

  #start(
    sections: readonly Uint8Array[],
    type: number,
    fields: (header: Struct) => void,
  ): Promise<Page> {
    const length = sections.reduce((total, section) => total + section.length, 0);
    const buffer = this.#concatenate(sections, length);
    const page = this.#compressPage(buffer, length, { type, fields }).finally(() =>
      inFlight.delete(page),
    );
    inFlight.add(page);
    // Awaited later; this handler avoids an unhandled rejection.
    page.catch(() => undefined);
    return page;
  }

  #concatenate(sections: readonly Uint8Array[], length: number): Buffer {
    const isPooled = length > 128 * 1_024 && length <= bufferBytes;
    const buffer = isPooled ? pool.acquire() : Buffer.allocUnsafeSlow(length);
    let at = 0;
    for (const section of sections) {
      buffer.set(section, at);
      at += section.length;
    }
    return buffer;
  }

  async #compressPage(
    buffer: Buffer,
    length: number,
    { type, fields }: { type: number; fields: (header: Struct) => void },
  ): Promise<Page> {
    const body = await this.codec.compress(buffer.subarray(0, length));
    if (pool.owns(buffer)) pool.release(buffer);
    else freeBuffer(buffer.buffer, length);
    const header = struct((page) => {
      page.i32(1, type);
      page.i32(2, length);
      page.i32(3, body.length);
      page.i32(4, crc32(body) | 0);
      fields(page);
    });
    return { header, body, uncompressedBytes: header.length + length };
  }

  /** Waits until fewer than `maxInFlight` pages are being compressed. */
  async waitForCapacity(): Promise<void> {
    while (inFlight.size >= maxInFlight) await Promise.race(inFlight);
  }
}
