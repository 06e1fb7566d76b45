import { crc32 } from 'node:zlib';
import type { Codec } from './codecs.ts';
import { struct } from './thrift.ts';

/** A page as it stands in the file. */
export interface Page {
  header: Buffer;
  body: Buffer;
  /** What header and body would be together without compression. */
  plainBytes: number;
}

/** Pages being compressed at a time: enough for the threads of Node's pool, and some that wait for one. */
const mostUnderway = 8;

const encodings = { plain: 0, rle: 3 };

/** Compresses pages beside the thread that fills them. */
export class PagePress {
  readonly codec: Codec;
  readonly #underway = new Set<Promise<Page>>();

  constructor(codec: Codec) {
    this.codec = codec;
  }

  /** A data page: `values` levels, and behind them the values that are not NULL. */
  press(content: Buffer, values: number): Promise<Page> {
    const page = this.#press(content, values).finally(() => this.#underway.delete(page));
    this.#underway.add(page);
    // It is waited for later; until then nobody listens.
    page.catch(() => undefined);
    return page;
  }

  async #press(content: Buffer, values: number): Promise<Page> {
    const body = await this.codec.compress(content);
    const header = struct((page) => {
      page.i32(1, 0);
      page.i32(2, content.length);
      page.i32(3, body.length);
      page.i32(4, crc32(body) | 0);
      page.struct(5, (data) => {
        data.i32(1, values);
        data.i32(2, encodings.plain);
        data.i32(3, encodings.rle);
        data.i32(4, encodings.rle);
      });
    });
    return { header, body, plainBytes: header.length + content.length };
  }

  /** Waits until few enough are underway; lets everything else of the process have its turn, too. */
  async roomy(): Promise<void> {
    while (this.#underway.size > mostUnderway) await Promise.race(this.#underway);
  }
}

/** The encodings that a column chunk names. */
export const encodingsUsed = [encodings.plain, encodings.rle];
