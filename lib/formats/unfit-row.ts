import type { Code } from '../contracts/codes.ts';

/** A row that the format cannot hold. Which one it is of the file, who puts the parts together knows. */
export class UnfitRow extends Error {
  readonly code: Code;
  /** From 1, of the rows of its part. */
  readonly row: number;
  readonly said: { before: string; behind: string };

  constructor(code: Code, row: number, said: { before: string; behind: string }, cause?: unknown) {
    super(`${said.before}${row}${said.behind}`, { cause });
    this.name = 'UnfitRow';
    this.code = code;
    this.row = row;
    this.said = said;
  }
}
