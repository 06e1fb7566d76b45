import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { config } from '../../runtime/config.ts';
import type { SourceColumn } from '../datasets.ts';

/**
 * How COPY writes the fields of a row.
 *
 * @param isQuoted of CSV: whether every text is in quotes
 */
export type CopyEncoding =
  | { kind: 'csv'; delimiter: string; nullText: string; isQuoted: boolean }
  | { kind: 'text' }
  | { kind: 'binary' };

/**
 * Replaces the fields of hashed columns in the output of COPY by the HMAC-SHA-256 of their bytes, in hexadecimal digits;
 * NULL stays NULL. A grant may ask for hashes, and their secret must not reach a source, where a log or a view could show
 * it: so the worker computes them. Returns the source itself if no column is hashed.
 *
 * @param options.release is called with each chunk that was read
 * @param options.secret of the hashes, by default that of the deployment
 */
export function hashFields(
  source: AsyncIterable<Buffer>,
  columns: readonly Pick<SourceColumn, 'policy'>[],
  options: { encoding: CopyEncoding; release?: (chunk: Buffer) => void; secret?: string },
): AsyncIterable<Buffer> {
  const hashed = columns.map(({ policy }) => policy === 'hash');
  if (!hashed.includes(true)) return source;
  const { encoding, release = () => undefined, secret = config().hashSecret } = options;
  if (secret === undefined) throw new Error('STREAMSYNC_HASH_SECRET is not set');
  return hashChunks(
    source,
    createHasher(encoding, hashed, createSecretKey(secret, 'utf8')),
    release,
  );
}

async function* hashChunks(
  source: AsyncIterable<Buffer>,
  hasher: Hasher,
  release: (chunk: Buffer) => void,
): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    const bytes = hasher.write(chunk);
    release(chunk);
    if (bytes.length > 0) yield bytes;
  }
}

const hashOf = (value: Buffer, key: KeyObject): Buffer =>
  Buffer.from(createHmac('sha256', key).update(value).digest('hex'), 'latin1');

interface Hasher {
  /** Returns the output for the next bytes. A hashed field that they do not complete is kept. */
  write: (bytes: Buffer) => Buffer;
}

function createHasher(encoding: CopyEncoding, hashed: readonly boolean[], key: KeyObject): Hasher {
  switch (encoding.kind) {
    case 'csv':
      return new TextHasher(hashed, {
        delimiter: encoding.delimiter,
        isQuotable: true,
        hash: (field) => hashCsv(field, encoding, key),
      });
    case 'text':
      return new TextHasher(hashed, {
        delimiter: '\t',
        isQuotable: false,
        hash: (field) => hashText(field, key),
      });
    case 'binary':
      return new BinaryHasher(hashed, key);
    default:
      return encoding satisfies never;
  }
}

const quote = 0x22;
const lineFeed = 0x0a;
const backslash = 0x5c;

/** NULL is the only field without quotes that is equal to its text. */
function hashCsv(
  field: Buffer,
  { nullText, isQuoted }: Extract<CopyEncoding, { kind: 'csv' }>,
  key: KeyObject,
): Buffer {
  if (field[0] !== quote) {
    if (field.toString() === nullText) return field;
    return quotedIf(isQuoted, hashOf(field, key));
  }
  const inner = field.subarray(1, -1);
  const value = inner.includes(quote)
    ? Buffer.from(inner.toString('latin1').replaceAll('""', '"'), 'latin1')
    : inner;
  return quotedIf(isQuoted, hashOf(value, key));
}

const quotedIf = (isQuoted: boolean, hash: Buffer): Buffer =>
  isQuoted ? Buffer.from(`"${hash.toString('latin1')}"`, 'latin1') : hash;

/** https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-TEXT-FORMAT */
const escapes: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

function hashText(field: Buffer, key: KeyObject): Buffer {
  if (!field.includes(backslash)) return hashOf(field, key);
  const text = field.toString('latin1');
  if (text === '\\N') return field;
  const value = text.replaceAll(/\\(.)/gs, (_, letter: string) => escapes[letter] ?? letter);
  return hashOf(Buffer.from(value, 'latin1'), key);
}

/** Replaces the fields of rows that are lines. A delimiter within quotes is part of a field; COPY escapes it elsewhere. */
class TextHasher implements Hasher {
  readonly #hashed: readonly boolean[];
  readonly #delimiter: number;
  readonly #isQuotable: boolean;
  readonly #hash: (field: Buffer) => Buffer;
  #column = 0;
  #isInQuotes = false;
  /** What has come of the field that is to be hashed. */
  #parts: Buffer[] = [];

  constructor(
    hashed: readonly boolean[],
    options: { delimiter: string; isQuotable: boolean; hash: (field: Buffer) => Buffer },
  ) {
    this.#hashed = hashed;
    this.#delimiter = options.delimiter.charCodeAt(0);
    this.#isQuotable = options.isQuotable;
    this.#hash = options.hash;
  }

  write(bytes: Buffer): Buffer {
    const output: Buffer[] = [];
    let start = 0;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (this.#isQuotable && byte === quote) this.#isInQuotes = !this.#isInQuotes;
      if (this.#isInQuotes || (byte !== this.#delimiter && byte !== lineFeed)) continue;
      this.#append(bytes.subarray(start, at), output);
      this.#end(output);
      output.push(bytes.subarray(at, at + 1));
      this.#column = byte === lineFeed ? 0 : this.#column + 1;
      start = at + 1;
    }
    this.#append(bytes.subarray(start), output);
    return Buffer.concat(output);
  }

  #append(bytes: Buffer, output: Buffer[]): void {
    // Copied, because the chunk is released.
    if (this.#hashed[this.#column] === true) this.#parts.push(Buffer.from(bytes));
    else output.push(bytes);
  }

  #end(output: Buffer[]): void {
    if (this.#hashed[this.#column] !== true) return;
    output.push(this.#hash(Buffer.concat(this.#parts)));
    this.#parts = [];
  }
}

/** A signature of 11 bytes, flags, and the length of an extension, which has no bytes. */
const binaryHeaderBytes = 19;
const countBytes = 2;
const sizeBytes = 4;

/**
 * Replaces the fields of rows in the binary format: a header, and for each row the count of its fields, -1 at the end,
 * and each field with its size before it, -1 for NULL.
 * https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-BINARY-FORMAT
 */
class BinaryHasher implements Hasher {
  readonly #hashed: readonly boolean[];
  readonly #key: KeyObject;
  #expected: 'header' | 'count' | 'size' | 'value' = 'header';
  /** Bytes of what is expected that are still to come. */
  #bytesLeft = binaryHeaderBytes;
  /** What has come of it, unless it is a value that is not hashed. */
  #parts: Buffer[] = [];
  #fields = 0;
  #column = 0;

  constructor(hashed: readonly boolean[], key: KeyObject) {
    this.#hashed = hashed;
    this.#key = key;
  }

  write(bytes: Buffer): Buffer {
    const output: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) {
      const part = bytes.subarray(at, at + this.#bytesLeft);
      at += part.length;
      this.#bytesLeft -= part.length;
      if (this.#expected === 'value' && !this.#isHashed()) output.push(part);
      // Copied, because the chunk is released.
      else this.#parts.push(Buffer.from(part));
      if (this.#bytesLeft === 0) this.#complete(output);
    }
    return Buffer.concat(output);
  }

  #isHashed(): boolean {
    return this.#hashed[this.#column] === true;
  }

  #complete(output: Buffer[]): void {
    const whole = Buffer.concat(this.#parts);
    this.#parts = [];
    switch (this.#expected) {
      case 'header':
        output.push(whole);
        this.#expect('count', countBytes);
        break;
      case 'count':
        output.push(whole);
        this.#column = 0;
        this.#fields = whole.readInt16BE();
        this.#expectField();
        break;
      case 'size': {
        const size = whole.readInt32BE();
        if (size < 0 || !this.#isHashed()) output.push(whole);
        if (size > 0) this.#expect('value', size);
        else if (size === 0 && this.#isHashed()) this.#endValue(whole.subarray(0, 0), output);
        else this.#nextField();
        break;
      }
      case 'value':
        this.#endValue(whole, output);
        break;
      default:
        this.#expected satisfies never;
    }
  }

  #endValue(value: Buffer, output: Buffer[]): void {
    if (this.#isHashed()) {
      const hash = hashOf(value, this.#key);
      const size = Buffer.alloc(sizeBytes);
      size.writeInt32BE(hash.length);
      output.push(size, hash);
    }
    this.#nextField();
  }

  #nextField(): void {
    this.#column++;
    this.#expectField();
  }

  #expectField(): void {
    if (this.#column < this.#fields) this.#expect('size', sizeBytes);
    else this.#expect('count', countBytes);
  }

  #expect(expected: 'count' | 'size' | 'value', bytes: number): void {
    this.#expected = expected;
    this.#bytesLeft = bytes;
  }
}
