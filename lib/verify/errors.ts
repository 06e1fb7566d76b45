/** The file cannot be checked before the user corrects the input; the message says how. */
export class VerifyInputError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'VerifyInputError';
  }
}
