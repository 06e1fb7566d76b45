import type { SourceColumn } from '../sources/datasets.ts';

/** The name, in JSON's terms, of what a column becomes: one type for all its values, or null. */
export function jsonType({ type }: SourceColumn): string {
  if (type.endsWith('[]')) return 'array';
  if (/^(smallint|integer|real|double precision)$/.test(type)) return 'number';
  if (type === 'boolean') return 'boolean';
  return /^jsonb?$/.test(type) ? 'any' : 'string';
}

const lineFeed = 0x0a;

/** JSON as we have it from PostgreSQL has no line feed but the one that ends a row. */
export class LineCounter {
  rows = 0;
  #lastByte = lineFeed;

  count(piece: Buffer): void {
    for (let at = piece.indexOf(lineFeed); at !== -1; at = piece.indexOf(lineFeed, at + 1))
      this.rows++;
    this.#lastByte = piece.at(-1) ?? this.#lastByte;
  }

  end(): void {
    if (this.#lastByte !== lineFeed) throw new Error('the rows end inside a row');
  }
}
