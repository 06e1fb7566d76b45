import { UnencodableRowError } from '../unencodable-row.ts';

/** A value that the file cannot hold. The message completes the sentence “A value in row 1, column x, …”. */
export class UnsupportedValueError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnsupportedValueError';
  }
}

/** Returns an `UnsupportedValueError` as an error of its row; any other error unchanged. */
export const toRowError = (error: unknown, row: number, column: string): unknown =>
  error instanceof UnsupportedValueError
    ? new UnencodableRowError(
        'unsuitable_value',
        row,
        {
          prefix: 'A value in row ',
          suffix: `, column ${column}, ${error.message}. Leave out that column, or choose another format.`,
        },
        error,
      )
    : error;
