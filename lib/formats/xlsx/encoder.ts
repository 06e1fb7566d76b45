import { LineTooLongError, splitCopyLines } from '../../sources/copy/text-parser.ts';
import type { Encoder } from '../format.ts';
import { maxLineBytes, type SheetColumn } from './sheet-rows.ts';
import { type SheetSizes, sheetSizes, Workbook } from './workbook.ts';

/** Characters of XML after which a chunk ends. */
const chunkCharacters = 64 * 1_024;

/**
 * Writes a workbook in constant memory while its rows arrive: the XML of one sheet after the other is deflated into
 * the zip, whose bytes are yielded immediately. A full sheet is followed by another one with the same header.
 */
export class XlsxEncoder implements Encoder {
  rows = 0;
  readonly #columns: readonly SheetColumn[];
  readonly #sizes: SheetSizes;

  constructor(columns: readonly SheetColumn[], sizes: Partial<SheetSizes> = {}) {
    this.#columns = columns;
    this.#sizes = { ...sheetSizes, ...sizes };
  }

  async *encode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const output: Buffer[] = [];
    const emit = (chunk: Buffer): number => output.push(chunk);
    const workbook = new Workbook(this.#columns, { emit, sizes: this.#sizes });
    /** The number of the last row in its sheet; the header is row 1. */
    let row = 1;
    let xml = '';
    const writeXml = (): void => {
      if (xml !== '') workbook.write(Buffer.from(xml));
      xml = '';
    };
    for await (const lines of this.#lines(source, workbook)) {
      for (const line of lines) {
        if (workbook.isFull(row)) {
          writeXml();
          workbook.endSheet(row);
          row = 1;
        }
        xml += workbook.rows.xml(line, ++row, ++this.rows);
        if (xml.length < chunkCharacters) continue;
        writeXml();
        await workbook.pending;
        yield* output.splice(0);
      }
      writeXml();
      await workbook.pending;
      yield* output.splice(0);
    }
    workbook.endSheet(row);
    workbook.end();
    await workbook.pending;
    yield* output;
  }

  async *#lines(source: AsyncIterable<Buffer>, { rows }: Workbook): AsyncGenerator<string[]> {
    try {
      yield* splitCopyLines(source, maxLineBytes(this.#columns.length));
    } catch (error) {
      throw error instanceof LineTooLongError ? rows.tooLong(error, this.rows + 1) : error;
    }
  }
}
