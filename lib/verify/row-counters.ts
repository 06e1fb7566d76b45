import type { CsvOptions } from '../contracts/format-capabilities.ts';

type CsvForm = Pick<CsvOptions, 'delimiter' | 'newline'>;

/** Counts the rows of text formats, in chunks cut anywhere, independently of the code that encoded them. */
interface RowCounter {
  count(chunk: Buffer): void;
  /** Returns the number of rows. Throws if the text is incomplete. */
  end(): number;
}

export function rowCounterFor(format: 'csv' | 'json' | 'ndjson', csv: CsvForm): RowCounter {
  switch (format) {
    case 'csv':
      return new CsvRowCounter(csv);
    case 'json':
      return new JsonRowCounter();
    case 'ndjson':
      return new NdjsonRowCounter();
    default:
      return format satisfies never;
  }
}

const [quote, comma, lineFeed, carriageReturn] = [0x22, 0x2c, 0x0a, 0x0d];
const [tab, space, backslash] = [0x09, 0x20, 0x5c];
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];
const byteOrderMark = Buffer.from('\ufeff');

/** Counts records after the header (RFC 4180). A line feed in quotes ends no record; quotes enclose a whole field. */
class CsvRowCounter implements RowCounter {
  readonly #delimiter: number;
  readonly #isCrlf: boolean;
  #records = 0;
  #bytes = 0;
  #state: 'start' | 'plain' | 'quoted' | 'closed' = 'start';
  #endsRecord = true;

  constructor({ delimiter, newline }: CsvForm) {
    this.#delimiter = delimiter.charCodeAt(0);
    this.#isCrlf = newline === 'crlf';
  }

  count(chunk: Buffer): void {
    let state = this.#state;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (state === 'quoted') {
        if (byte === quote) state = 'closed';
      } else if (byte === quote) {
        if (state === 'plain')
          throw new Error(`a quote inside an unquoted field, at byte ${this.#bytes + at}`);
        // After a closing quote, this is the second of a pair, which means a quote.
        state = 'quoted';
      } else if (byte === this.#delimiter) {
        state = 'start';
      } else if (byte === lineFeed) {
        state = 'start';
        this.#records++;
      } else if (byte === carriageReturn && this.#isCrlf) {
        // Outside of quotes, CR only precedes the LF of a row.
      } else if (state === 'closed') {
        throw new Error(`text after a closing quote, at byte ${this.#bytes + at}`);
      } else if (state === 'start' && byte !== byteOrderMark[this.#bytes + at]) {
        state = 'plain';
      }
    }
    this.#state = state;
    this.#bytes += chunk.length;
    if (chunk.length > 0) this.#endsRecord = chunk.at(-1) === lineFeed;
  }

  end(): number {
    if (this.#state === 'quoted' || !this.#endsRecord) throw new Error('it ends inside a row');
    if (this.#records === 0) throw new Error('it has no header');
    return this.#records - 1;
  }
}

/** Counts lines, each of which is one object (https://github.com/ndjson/ndjson-spec). */
class NdjsonRowCounter implements RowCounter {
  #rows = 0;
  #last: number = lineFeed;

  count(chunk: Buffer): void {
    for (let from = 0; from < chunk.length; ) {
      if (this.#last === lineFeed && chunk[from] !== openBrace)
        throw new Error(`line ${this.#rows + 1} is not an object`);
      const at = chunk.indexOf(lineFeed, from);
      const end = at === -1 ? chunk.length : at;
      if (end > from) this.#last = chunk[end - 1] ?? 0;
      if (at === -1) return;
      if (this.#last !== closeBrace)
        throw new Error(`line ${this.#rows + 1} is not a complete object`);
      this.#rows++;
      this.#last = lineFeed;
      from = at + 1;
    }
  }

  end(): number {
    if (this.#last !== lineFeed) throw new Error('it ends inside a row');
    return this.#rows;
  }
}

/** Counts the elements of one array (RFC 8259). Inside an element, only strings and brackets are parsed. */
class JsonRowCounter implements RowCounter {
  #elements = 0;
  #depth = 0;
  /** What may come next in the array itself. */
  #next: 'array' | 'element or end' | 'element' | 'comma or end' | 'end of file' = 'array';
  #inString = false;
  #escaped = false;

  count(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === backslash) this.#escaped = true;
        else if (byte === quote) this.#inString = false;
      } else if (byte !== space && byte !== lineFeed && byte !== carriageReturn && byte !== tab) {
        this.#token(byte);
      }
    }
  }

  #token(byte: number): void {
    if (byte === quote) this.#inString = true;
    if (this.#depth > 1) {
      if (byte === openBracket || byte === openBrace) this.#depth++;
      if (byte === closeBracket || byte === closeBrace) this.#depth--;
      return;
    }
    if (this.#depth === 0) {
      if (this.#next !== 'array' || byte !== openBracket)
        throw new Error('it is not a single array');
      this.#depth = 1;
      this.#next = 'element or end';
    } else if (byte === closeBracket && this.#next !== 'element') {
      this.#depth = 0;
      this.#next = 'end of file';
    } else if (byte === comma && this.#next === 'comma or end') {
      this.#next = 'element';
    } else if (byte === openBrace && this.#next !== 'comma or end') {
      this.#depth = 2;
      this.#elements++;
      this.#next = 'comma or end';
    } else {
      throw new Error(
        `after ${this.#elements} rows there is neither a row nor the end of the array`,
      );
    }
  }

  end(): number {
    if (this.#next !== 'end of file') throw new Error('it ends inside the array');
    return this.#elements;
  }
}
