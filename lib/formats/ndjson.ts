import type { SourceColumn } from '../sources/datasets.ts';
import { copyJsonLines } from '../sources/query.ts';
import { type Encoder, type Format, nothing } from './format.ts';

/**
 * Newline-delimited JSON as PostgreSQL writes it (row_to_json): an object a line, LF behind each, keys
 * in the order of the columns, NULL as null. Numbers keep all their digits, so bigint and numeric may
 * hold more than a double does; NaN and the infinities are strings, because JSON has none.
 */
export const ndjson: Format = {
  extension: 'ndjson',
  contentType: 'application/x-ndjson',
  copy: copyJsonLines,
  prologue: () => nothing,
  encoder: () => new LineCounter(),
  glue: () => nothing,
  epilogue: () => nothing,
  fileType: ({ type }) => jsonType(type),
};

function jsonType(type: SourceColumn['type']): string {
  if (type.endsWith('[]')) return 'array';
  if (/^(smallint|integer|bigint|real|double precision|numeric)\b/.test(type)) return 'number';
  if (type === 'boolean') return 'boolean';
  return /^jsonb?$/.test(type) ? 'any' : 'string';
}

const lineFeed = 0x0a;

/** JSON has no line feed of its own in a line: each one ends a row. */
class LineCounter implements Encoder {
  rows = 0;
  #lastByte = lineFeed;

  encode(piece: Buffer): Buffer {
    for (let at = piece.indexOf(lineFeed); at !== -1; at = piece.indexOf(lineFeed, at + 1))
      this.rows++;
    this.#lastByte = piece.at(-1) ?? this.#lastByte;
    return piece;
  }

  end(): void {
    if (this.#lastByte !== lineFeed) throw new Error('the rows end inside a row');
  }
}
