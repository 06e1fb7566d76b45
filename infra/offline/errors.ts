/** Returns the message of an error; of an `AggregateError` without a message, that of its first error. */
export function errorMessage(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return errorMessage(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
