/**
 * Takes the rows of a COPY off the bytes that a connection receives, and passes them on in chunks, as they are or
 * encoded. The server sends a message for each row
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY), so the messages are counted to know how many
 * rows were received whole. The binary format has one more message, for its end.
 */
export interface CopyRows {
  /** Messages received whole, or rows encoded. */
  readonly rowCount: number;
  /**
   * Work that has to be done before more bytes are given, if there is any. Call `resume` then, before `take`, and do with
   * what it returns as with that of `take`.
   */
  readonly pending?: Promise<void> | undefined;
  /**
   * Takes the next bytes, and keeps none of their memory. Returns the bytes from the first message on that does not belong
   * to the rows, undefined if there is none.
   */
  take(bytes: Buffer): Buffer | undefined;
  resume?(): Buffer | undefined;
  /** Passes on what is in a chunk that is not full. */
  flush(): void;
  /** Passes on everything that is left, after the last row. */
  end(): void;
}

/** Messages that may come between the rows: CopyOutResponse, notices, parameter changes, notifications. */
export const ignoredMessageTypes: ReadonlySet<number> = new Set(
  ['H', 'N', 'S', 'A'].map((letter) => letter.charCodeAt(0)),
);
export const copyData = 'd'.charCodeAt(0);
export const copyDone = 'c'.charCodeAt(0);
