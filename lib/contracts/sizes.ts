/**
 * How large what others send may be: the one table for HTTP, Kafka and the page. Checked before anything
 * recurses into the input or matches it, so that no input costs more than its size.
 */
export const sizes = {
  /** Bytes of the JSON text of a request: the body of a call, the value of an event. */
  requestBytes: 262_144,
  /** Bytes of the body of a sign-in, which anybody may send. */
  signInBytes: 8_192,
  /** Levels of arrays and objects in each other. */
  depth: 16,
  /** Bytes (UTF-8) of any string. */
  stringBytes: 8_192,
  /** Characters of a date and time. */
  instantCharacters: 40,
  /** Characters of a number that is sent as a string. */
  numberCharacters: 200,
  /** Characters of a name: of a source, a dataset, a column. */
  nameCharacters: 256,
  /** Values of an `in`. */
  listValues: 1_000,
  /** Fields that a refusal names; how many more there are is said, not which. */
  errors: 20,
  /** Characters of a text in a refusal. */
  errorCharacters: 200,
} as const;
