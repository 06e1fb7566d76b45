/** An error for the person at the terminal: the message says what to do, `details` is the output that explains it. */
export class StackError extends Error {
  readonly details: readonly string[];

  constructor(message: string, details: readonly string[] = [], options?: ErrorOptions) {
    super(message, options);
    this.name = 'StackError';
    this.details = details;
  }
}

/** The stack was asked to stop. It is not a failure: pending waits are aborted with it. */
export class StopRequestedError extends Error {
  /** `cause` is the name of the signal, or the event that replaced it. */
  constructor(cause: string) {
    super(cause);
    this.name = 'StopRequestedError';
  }
}
