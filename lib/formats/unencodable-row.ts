import type { Code } from '../contracts/codes.ts';

/** A row that the format cannot hold. Its number in the file is known to the caller that concatenates segments. */
export class UnencodableRowError extends Error {
  readonly code: Code;
  /** The number of the row in its segment, from 1. */
  readonly row: number;
  readonly text: { prefix: string; suffix: string };

  constructor(code: Code, row: number, text: { prefix: string; suffix: string }, cause?: unknown) {
    super(`${text.prefix}${row}${text.suffix}`, { cause });
    this.name = 'UnencodableRowError';
    this.code = code;
    this.row = row;
    this.text = text;
  }
}
