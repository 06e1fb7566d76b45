import type { SourceColumn } from '../sources/datasets.ts';
import type { Encoder } from './format.ts';
import { type Kind, kindOf } from './json-kinds.ts';

const byteOf = (character: string): number => character.charCodeAt(0);
const tab = byteOf('\t');
const lineFeed = byteOf('\n');
const backslash = byteOf('\\');
const quote = byteOf('"');
const minus = byteOf('-');
const space = byteOf(' ');
const plus = byteOf('+');
const zero = byteOf('0');
const nine = byteOf('9');
const betweenDayAndTime = byteOf('T');
const letterOfNull = byteOf('N');
const brace = byteOf('}');

const pieceBytes = 128 * 1_024;
/** Longer than anything that is written at once but the name of a column. */
const slackBytes = 64;

/** What stands in JSON for a byte, or for the letter behind a backslash. */
type Substitutes = readonly (Buffer | undefined)[];

interface Column {
  /** What stands before a value: what divides it from the one before, and its name. */
  before: Buffer;
  kind: Kind;
  isQuoted: boolean;
  /** 1 for each byte that stands in JSON as it is. */
  plain: Uint8Array;
  substitutes: Substitutes;
  sequences: Substitutes;
}

function substitutes(of: Record<string, string>): Substitutes {
  const made: (Buffer | undefined)[] = Array.from({ length: 256 });
  for (const [letter, text] of Object.entries(of)) made[byteOf(letter)] = Buffer.from(text);
  return made;
}

/** As `escape_json` of PostgreSQL writes them; those with a letter of their own COPY has behind a backslash. */
const inStrings = substitutes({
  '"': '\\"',
  ...Object.fromEntries(
    Array.from({ length: 0x20 }, (_, n) => [
      String.fromCharCode(n),
      `\\u${n.toString(16).padStart(4, '0')}`,
    ]),
  ),
});
/** The sequences of COPY are those of JSON but for one. */
const sequencesInStrings = substitutes({
  b: '\\b',
  f: '\\f',
  n: '\\n',
  r: '\\r',
  t: '\\t',
  v: '\\u000b',
  '\\': '\\\\',
});
/** JSON as somebody wrote it is put into one line; a line feed is no part of any of its values. */
const sequencesInJson = substitutes({ n: ' ', r: ' ', t: '\t', '\\': '\\' });
const booleans = substitutes({ t: 'true', f: 'false' });
const none = substitutes({});

/** Every byte but those that end a value, and these. */
function plainBut(characters: Iterable<number>): Uint8Array {
  const plain = new Uint8Array(256).fill(1);
  for (const byte of [tab, lineFeed, backslash, ...characters]) plain[byte] = 0;
  return plain;
}

type Form = Omit<Column, 'before' | 'kind'>;
const bare: Form = {
  isQuoted: false,
  plain: plainBut([]),
  substitutes: none,
  sequences: none,
};
const forms: Record<Kind, Form> = {
  number: bare,
  double: bare,
  boolean: { ...bare, plain: new Uint8Array(256), substitutes: booleans },
  string: {
    isQuoted: true,
    plain: plainBut([quote, ...Array.from({ length: 0x20 }, (_, n) => n)]),
    substitutes: inStrings,
    sequences: sequencesInStrings,
  },
  moment: { ...bare, isQuoted: true, plain: plainBut([space, plus]) },
  json: { ...bare, sequences: sequencesInJson },
};

const nullText = Buffer.from('null');
/** The zone of the session is UTC: it has two digits, to which JSON has the minutes, too. */
const zone = Buffer.from('+00:00');
const zoneDigits = 2;

/**
 * Objects, one a line, out of COPY's text: each value is written as PostgreSQL wrote it, in what JSON has
 * around it; none becomes one of JavaScript. It needs the memory of a piece, however long a row is.
 * https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-TEXT-FORMAT
 */
export class JsonEncoder implements Encoder {
  rows = 0;
  readonly #columns: readonly Column[];
  /** What stands before an object that is not the first one. */
  readonly #between: Buffer;
  readonly #out: Buffer;
  #filled = 0;
  #number = 0;
  /** Whether a value has begun, and how. */
  #isOpen = false;
  #isQuoted = false;
  /** A minus whose value has yet to be seen: infinity is a string. */
  #isNegative = false;
  /** The last byte was a backslash. */
  #isSequence = false;
  #isDay = false;
  #skipped = 0;

  constructor(columns: readonly Pick<SourceColumn, 'name' | 'base'>[], between = '') {
    this.#columns = columns.map((column, n) => {
      const kind = kindOf(column);
      const before = Buffer.from(`${n === 0 ? '{' : ','}${JSON.stringify(column.name)}:`);
      return { before, kind, ...forms[kind] };
    });
    // A row of no columns is a line all the same.
    if (columns.length === 0)
      this.#columns = [{ before: Buffer.from('{'), kind: 'number', ...forms.number }];
    this.#between = Buffer.from(between);
    const longest = Math.max(...this.#columns.map(({ before }) => before.length));
    this.#out = Buffer.allocUnsafeSlow(pieceBytes + longest + slackBytes);
  }

  async *encode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of source) yield* this.lines(piece);
    if (this.#number > 0 || this.#isOpen || this.#isNegative || this.#isSequence)
      throw new Error('the rows end inside a row');
    if (this.#filled > 0) yield this.rest();
  }

  /** What it makes of more of the text, but for the `rest`: each piece its own until the next is asked for. */
  *lines(text: Buffer): Generator<Buffer> {
    for (let at = 0; at < text.length; ) {
      at = this.#put(text, at);
      if (this.#filled >= pieceBytes) yield this.rest();
    }
  }

  rest(): Buffer {
    // What is written beyond the end of a buffer is lost without a word.
    if (this.#filled > this.#out.length) throw new Error('a piece has become too long');
    const made = this.#out.subarray(0, this.#filled);
    this.#filled = 0;
    return made;
  }

  /** → where it stopped: at the end, or where it has made a piece. */
  #put(bytes: Buffer, from: number): number {
    const out = this.#out;
    let at = from;
    while (at < bytes.length && this.#filled < pieceBytes) {
      const first = bytes[at] ?? 0;
      const isPlain = this.#isOpen && this.#skipped === 0 && !this.#isSequence;
      if (!isPlain && !this.#begins(first)) {
        at++;
        continue;
      }
      const { plain } = this.#column;
      // What begins a value may have filled it: then of the value one byte.
      const end = Math.min(bytes.length, at + Math.max(1, pieceBytes - this.#filled));
      let filled = this.#filled;
      let byte = first;
      while (plain[byte] === 1) {
        out[filled++] = byte;
        if (++at === end) break;
        byte = bytes[at] ?? 0;
      }
      this.#filled = filled;
      if (at === end) continue;
      this.#end(byte);
      at++;
    }
    return at;
  }

  get #column(): Column {
    const column = this.#columns[this.#number];
    if (!column) throw new Error('a row has more values than there are columns');
    return column;
  }

  /** Whether the byte is to be looked at as one of a value that is open; else that was all there is to it. */
  #begins(byte: number): boolean {
    if (this.#skipped > 0) {
      if (byte !== zero) this.#strange();
      this.#skipped--;
      return false;
    }
    if (this.#isSequence) {
      this.#isSequence = false;
      this.#sequence(byte);
      return false;
    }
    if (byte === backslash) {
      this.#isSequence = true;
      return false;
    }
    if (byte === minus && this.#column.kind === 'double' && !this.#isNegative) {
      this.#isNegative = true;
      return false;
    }
    this.#open(byte);
    return true;
  }

  #open(first: number): void {
    const { kind, isQuoted } = this.#column;
    this.#name();
    // NaN and the infinities, for which JSON has no number.
    this.#isQuoted = isQuoted || (kind === 'double' && first > nine);
    if (this.#isQuoted) this.#out[this.#filled++] = quote;
    if (this.#isNegative) this.#out[this.#filled++] = minus;
    this.#isNegative = false;
    this.#isDay = true;
  }

  #name(): void {
    if (this.#number === 0 && this.rows > 0) this.#write(this.#between);
    this.#write(this.#column.before);
    this.#isOpen = true;
  }

  /** A byte that is not plain. */
  #end(byte: number): void {
    const { kind, substitutes: instead } = this.#column;
    if (byte === tab || byte === lineFeed) this.#close(byte);
    else if (byte === backslash) this.#isSequence = true;
    else if (kind !== 'moment') this.#write(instead[byte] ?? this.#strange());
    else if (byte === plus) {
      this.#write(zone);
      this.#skipped = zoneDigits;
    } else {
      // Between the day and the time; another stands before BC.
      this.#out[this.#filled++] = this.#isDay ? betweenDayAndTime : space;
      this.#isDay = false;
    }
  }

  /** The letter behind a backslash. */
  #sequence(letter: number): void {
    if (!this.#isOpen && letter === letterOfNull) {
      this.#name();
      this.#isQuoted = false;
      this.#write(nullText);
      return;
    }
    if (!this.#isOpen) this.#open(letter);
    this.#write(this.#column.sequences[letter] ?? this.#strange());
  }

  #close(byte: number): void {
    if (this.#isQuoted) this.#out[this.#filled++] = quote;
    this.#isOpen = false;
    this.#number++;
    if (byte === tab) return;
    if (this.#number !== this.#columns.length)
      throw new Error('a row has fewer values than there are columns');
    this.#out[this.#filled++] = brace;
    this.#out[this.#filled++] = lineFeed;
    this.#number = 0;
    this.rows++;
  }

  #strange(): never {
    throw new Error(`column ${this.#number + 1} has what no value of its type has`);
  }

  /** Short, mostly: a call out of JavaScript costs more than it saves. */
  #write(bytes: Buffer): void {
    const out = this.#out;
    const { length } = bytes;
    let filled = this.#filled;
    for (let n = 0; n < length; n++) out[filled++] = bytes[n] ?? 0;
    this.#filled = filled;
  }
}
