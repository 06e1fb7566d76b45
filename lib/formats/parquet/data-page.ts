import { crc32 } from 'node:zlib';
import { SpareBuffers } from '../../runtime/spare-buffers.ts';
import type { Codec } from './codecs.ts';
import { struct } from './thrift.ts';

/** A page as it stands in the file. */
export interface Page {
  header: Buffer;
  body: Buffer;
  /** What header and body would be together without compression. */
  plainBytes: number;
}

/** Pages being compressed at a time: as many as Node's pool has threads. */
const mostUnderway = 4;

/** When what is open is closed. */
export interface ParquetSizes {
  /**
   * Bytes from COPY that make a row group. A reader wants them large; until one is full its pages wait in
   * memory, compressed, because a row group has its columns behind each other.
   */
  rowGroupBytes: number;
  /** Bytes of values that make a page. */
  pageBytes: number;
  /** Levels that make a page. */
  pageLevels: number;
}

export const usualSizes: ParquetSizes = {
  rowGroupBytes: 16 * 1_024 * 1_024,
  pageBytes: 1_024 * 1_024,
  pageLevels: 256 * 1_024,
};

/** A usual page, the last value and the levels; a page with a longer value has a buffer of its own. */
const bufferBytes = usualSizes.pageBytes + 64 * 1_024;

const encodings = { plain: 0, rle: 3 };

/** Compresses pages beside the thread that fills them. */
export class PagePress {
  readonly codec: Codec;
  readonly #underway = new Set<Promise<Page>>();
  readonly #spare = new SpareBuffers(bufferBytes, 2 * mostUnderway);

  constructor(codec: Codec) {
    this.codec = codec;
  }

  /** A data page of `values` levels, and behind them the values that are not NULL. The parts are copied. */
  press(parts: readonly Uint8Array[], values: number): Promise<Page> {
    const length = parts.reduce((all, part) => all + part.length, 0);
    const page = this.#press(this.#gathered(parts, length), length, values).finally(() =>
      this.#underway.delete(page),
    );
    this.#underway.add(page);
    // It is waited for later; until then nobody listens.
    page.catch(() => undefined);
    return page;
  }

  #gathered(parts: readonly Uint8Array[], length: number): Buffer {
    const isUsual = length > 128 * 1_024 && length <= bufferBytes;
    const buffer = isUsual ? this.#spare.take() : Buffer.allocUnsafeSlow(length);
    let at = 0;
    for (const part of parts) {
      buffer.set(part, at);
      at += part.length;
    }
    return buffer;
  }

  async #press(buffer: Buffer, length: number, values: number): Promise<Page> {
    const body = await this.codec.compress(buffer.subarray(0, length));
    this.#spare.give(buffer);
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
    return { header, body, plainBytes: header.length + length };
  }

  /** Waits until few enough are underway; lets everything else of the process have its turn, too. */
  async roomy(): Promise<void> {
    while (this.#underway.size > mostUnderway) await Promise.race(this.#underway);
  }
}

/** The encodings that a column chunk names. */
export const encodingsUsed = [encodings.plain, encodings.rle];
