import type { CsvOptions } from '../../../lib/contracts/format-capabilities.ts';

type CsvForm = Pick<CsvOptions, 'delimiter' | 'newline'>;

/** Counts the rows of text formats from their bytes, cut anywhere; not by the code that wrote them. */
interface RowCounter {
  count(piece: Buffer): void;
  /** → how many; throws if the text ends before its end. */
  end(): number;
}

export function counterOf(format: 'csv' | 'json' | 'ndjson', csv: CsvForm): RowCounter {
  switch (format) {
    case 'csv':
      return new CsvRows(csv);
    case 'json':
      return new ArrayElements();
    case 'ndjson':
      return new Lines();
    default:
      return format satisfies never;
  }
}

const [quote, comma, lineFeed, carriageReturn] = [0x22, 0x2c, 0x0a, 0x0d];
const [tab, space, backslash] = [0x09, 0x20, 0x5c];
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];
const byteOrderMark = Buffer.from('\ufeff');

/** Records behind the header (RFC 4180): a line feed within quotes ends none, a quote stands at an end of a field. */
class CsvRows implements RowCounter {
  readonly #delimiter: number;
  readonly #isCrlf: boolean;
  #records = 0;
  #bytes = 0;
  #state: 'begin' | 'plain' | 'quoted' | 'closed' = 'begin';
  #endsRecord = true;

  constructor({ delimiter, newline }: CsvForm) {
    this.#delimiter = delimiter.charCodeAt(0);
    this.#isCrlf = newline === 'crlf';
  }

  count(piece: Buffer): void {
    let state = this.#state;
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at];
      if (state === 'quoted') {
        if (byte === quote) state = 'closed';
      } else if (byte === quote) {
        if (state === 'plain')
          throw new Error(`a quote inside a field, at byte ${this.#bytes + at}`);
        // Behind a closing one it is the second of a pair, which means itself.
        state = 'quoted';
      } else if (byte === this.#delimiter) {
        state = 'begin';
      } else if (byte === lineFeed) {
        state = 'begin';
        this.#records++;
      } else if (byte === carriageReturn && this.#isCrlf) {
        // Outside of quotes there is none but before the LF of a row.
      } else if (state === 'closed') {
        throw new Error(`text behind a closing quote, at byte ${this.#bytes + at}`);
      } else if (state === 'begin' && byte !== byteOrderMark[this.#bytes + at]) {
        state = 'plain';
      }
    }
    this.#state = state;
    this.#bytes += piece.length;
    if (piece.length > 0) this.#endsRecord = piece.at(-1) === lineFeed;
  }

  end(): number {
    if (this.#state === 'quoted' || !this.#endsRecord) throw new Error('it ends inside a row');
    if (this.#records === 0) throw new Error('it has no header');
    return this.#records - 1;
  }
}

/** An object a line (https://github.com/ndjson/ndjson-spec). */
class Lines implements RowCounter {
  #rows = 0;
  #last: number = lineFeed;

  count(piece: Buffer): void {
    for (let from = 0; from < piece.length; ) {
      if (this.#last === lineFeed && piece[from] !== openBrace)
        throw new Error(`line ${this.#rows + 1} is no object`);
      const at = piece.indexOf(lineFeed, from);
      const end = at === -1 ? piece.length : at;
      if (end > from) this.#last = piece[end - 1] ?? 0;
      if (at === -1) return;
      if (this.#last !== closeBrace) throw new Error(`line ${this.#rows + 1} is no whole object`);
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

/** The elements of the one array that the text is (RFC 8259); what is inside them is only told apart. */
class ArrayElements implements RowCounter {
  #elements = 0;
  #depth = 0;
  /** Of the array itself: what may come next. */
  #next: 'array' | 'element or end' | 'element' | 'comma or end' | 'nothing' = 'array';
  #inString = false;
  #escaped = false;

  count(piece: Buffer): void {
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at] ?? 0;
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
      if (this.#next !== 'array' || byte !== openBracket) throw new Error('it is not one array');
      this.#depth = 1;
      this.#next = 'element or end';
    } else if (byte === closeBracket && this.#next !== 'element') {
      this.#depth = 0;
      this.#next = 'nothing';
    } else if (byte === comma && this.#next === 'comma or end') {
      this.#next = 'element';
    } else if (byte === openBrace && this.#next !== 'comma or end') {
      this.#depth = 2;
      this.#elements++;
      this.#next = 'comma or end';
    } else {
      throw new Error(`behind ${this.#elements} rows there is neither a row nor the end`);
    }
  }

  end(): number {
    if (this.#next !== 'nothing') throw new Error('it ends before its array does');
    return this.#elements;
  }
}
