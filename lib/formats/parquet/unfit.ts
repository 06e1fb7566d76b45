import { UnfitRow } from '../unfit-row.ts';

/** A value that the file cannot hold: said to the person who asked, with its row and column. */
export class Unfit extends Error {}

/** What such an error says of a row; any other error as it is. */
export const unfitRow = (error: unknown, row: number, column: string): unknown =>
  error instanceof Unfit
    ? new UnfitRow(
        'unsuitable_value',
        row,
        {
          before: 'A value in row ',
          behind: `, column ${column}, ${error.message}. Leave out that column, or choose another format.`,
        },
        error,
      )
    : error;
