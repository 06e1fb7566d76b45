/**
 * How large what others send may be: the one table for HTTP, Kafka and the page. Checked before anything
 * recurses into the input or matches it, so that no input costs more than its size.
 */
export const sizes = {
  /** Bytes of the JSON text of a request: the body of a call, the value of an event. */
  requestBytes: 262_144,
  /** Bytes of an event that is larger than a request and is still read as far as its id, so that it can be answered. */
  answeredBytes: 1_048_576,
  /** Bytes of the body of a sign-in, which anybody may send. */
  signInBytes: 8_192,
  /** Levels of arrays and objects in each other. */
  depth: 16,
  /** Items of an array, where the field allows no fewer. */
  arrayItems: 10_000,
  /** Fields of an object; also columns of a dataset, which is what PostgreSQL has room for. */
  objectFields: 1_600,
  /** Bytes (UTF-8) of any string. */
  stringBytes: 8_192,
  /** Characters of a date and time. */
  instantCharacters: 40,
  /** Characters of a number that is sent as a string. */
  numberCharacters: 200,
  /** Characters of a name: of a source, a dataset, a column, a time zone. */
  nameCharacters: 256,
  /** Characters of what stands for NULL in CSV. */
  nullTextCharacters: 20,
  /** Characters of an email, which RFC 5321 lets have 64 before the @ and 255 behind it. */
  emailCharacters: 320,
  /** Characters of a password. */
  passwordCharacters: 1_000,
  /** Characters of the key by which a repeated request is known: `Idempotency-Key`, `id` and `source` of an event. */
  keyCharacters: 255,
  /** Characters of an id that a caller gives a request (`X-Request-Id`); it is logged and sent back. */
  requestIdCharacters: 128,
  /** Bytes of a header: half of what NGINX has room for, so that it is we who refuse it. */
  headerBytes: 4_096,
  /** Sources of one export. */
  sources: 16,
  /** Conditions of one export. */
  conditions: 50,
  /** Values of an `in`. */
  listValues: 1_000,
  /** Bytes of the requests on one page of a list. AWS Lambda answers with 6 MB at most. */
  pageBytes: 1_048_576,
  /** Fields that a refusal names; how many more there are is said, not which. */
  errors: 20,
  /** Characters of a text in a refusal. */
  errorCharacters: 200,
  /** Values that a refusal lists as allowed. */
  allowedValues: 100,
  /** Characters of what a refusal says in all. */
  detailCharacters: 2_000,
} as const;

/** A size as it is written in a message. */
export const sizeText = (size: number): string => size.toLocaleString('en-US');

/** The text, or its beginning and `…` where it has more characters than that; never half a surrogate pair. */
export function shortened(text: string, characters: number): string {
  if (text.length <= characters) return text;
  const kept = text.slice(0, characters - 1);
  return `${kept.isWellFormed() ? kept : kept.slice(0, -1)}…`;
}
