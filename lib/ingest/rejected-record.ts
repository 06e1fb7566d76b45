/** A record that holds no readings we can store. Its message is the reason in the header of the dead letter. */
export class RejectedRecordError extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'RejectedRecordError';
  }
}
