/** Something a person has to put right or to know; the message says what, details are the output that explains it. */
export class StackError extends Error {
  readonly details: readonly string[];

  constructor(message: string, details: readonly string[] = [], options?: ErrorOptions) {
    super(message, options);
    this.name = 'StackError';
    this.details = details;
  }
}

/** The stack was asked to stop. Not a failure: whoever waits for something gives up with it. */
export class StopRequested extends Error {
  /** cause: the signal's name, or what happened instead of one. */
  constructor(cause: string) {
    super(cause);
    this.name = 'StopRequested';
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
