import { crc32 } from 'node:zlib';
import { BufferPool } from '../../runtime/buffer-pool.ts';
import { memoryBudget, memoryLimits } from '../../runtime/memory-budget.ts';
import type { Codec } from './codecs.ts';
import { struct } from './thrift.ts';

/** A data page as it is in the file. */
export interface Page {
  header: Buffer;
  body: Buffer;
  /** Bytes of the header and of the uncompressed body. */
  uncompressedBytes: number;
}

/** Pages that are compressed at the same time: Node's pool has 4 threads. */
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

export const defaultSizes: ParquetSizes = {
  rowGroupBytes: memoryBudget.rowGroup.bytes,
  pageBytes: memoryLimits.pageBytes,
  pageLevels: 256 * 1_024,
};

/** Room for one page, its last value and its levels. A page with a larger value gets its own buffer. */
const bufferBytes = memoryBudget.pageBuffer.bytes;

const encodings = { plain: 0, rle: 3 };

/** Compresses pages; gzip and zstd run in Node's thread pool. */
export class PageCompressor {
  readonly codec: Codec;
  readonly #inFlight = new Set<Promise<Page>>();
  readonly #pool = new BufferPool(bufferBytes, memoryBudget.pageBuffer.count);

  constructor(codec: Codec) {
    this.codec = codec;
  }

  /** Returns a data page of `values` levels. `sections`: the levels, then the values that are not NULL; they are copied. */
  compress(sections: readonly Uint8Array[], values: number): Promise<Page> {
    const length = sections.reduce((total, section) => total + section.length, 0);
    const page = this.#compressPage(this.#concatenate(sections, length), length, values).finally(
      () => this.#inFlight.delete(page),
    );
    this.#inFlight.add(page);
    // Awaited later; this handler avoids an unhandled rejection.
    page.catch(() => undefined);
    return page;
  }

  #concatenate(sections: readonly Uint8Array[], length: number): Buffer {
    const isPooled = length > 128 * 1_024 && length <= bufferBytes;
    const buffer = isPooled ? this.#pool.acquire() : Buffer.allocUnsafeSlow(length);
    let at = 0;
    for (const section of sections) {
      buffer.set(section, at);
      at += section.length;
    }
    return buffer;
  }

  async #compressPage(buffer: Buffer, length: number, values: number): Promise<Page> {
    const body = await this.codec.compress(buffer.subarray(0, length));
    this.#pool.release(buffer);
    const header = struct((page) => {
      page.i32(1, 0);
      page.i32(2, length);
      page.i32(3, body.length);
      page.i32(4, crc32(body) | 0);
      page.struct(5, (data) => {
        data.i32(1, values);
        data.i32(2, encodings.plain);
        data.i32(3, encodings.rle);
        data.i32(4, encodings.rle);
      });
    });
    return { header, body, uncompressedBytes: header.length + length };
  }

  /** Waits until at most `maxInFlight` pages are being compressed. */
  async waitForCapacity(): Promise<void> {
    while (this.#inFlight.size > maxInFlight) await Promise.race(this.#inFlight);
  }
}

/** The encodings that the metadata of a column chunk lists. */
export const encodingsUsed = [encodings.plain, encodings.rle];
