/**
 * Size limits of all input, for HTTP, Kafka and the page. They are checked before any code recurses into the input or
 * matches it, so that no input costs more than its size.
 */
export const sizes = {
  /** Bytes of the JSON text of a request: body of a call, value of an event. */
  requestBytes: 262_144,
  /** Bytes of an event that is too large, but whose id is still read so that it can be answered. */
  answeredBytes: 1_048_576,
  /** Bytes of the body of a sign-in, which needs no credentials. */
  signInBytes: 8_192,
  /** Levels of nested arrays and objects. */
  depth: 16,
  /** Items of an array, unless its field has a lower limit. */
  arrayItems: 10_000,
  /** Fields of an object; also columns of a dataset, where it is PostgreSQL's own limit. */
  objectFields: 1_600,
  /** Bytes (UTF-8) of a string. */
  stringBytes: 8_192,
  /** Characters of a date and time. */
  instantCharacters: 40,
  /** Characters of a number that is sent as a string. */
  numberCharacters: 200,
  /** Characters of a name: of a source, a dataset, a column, a time zone. */
  nameCharacters: 256,
  /** Characters of the name that people give to an export. */
  exportNameCharacters: 100,
  /** Characters of the text for NULL in CSV. */
  nullTextCharacters: 20,
  /** Characters of the name of an API key. */
  keyNameCharacters: 100,
  /** Characters of an email: RFC 5321 permits 64 before the @ and 255 after it. */
  emailCharacters: 320,
  /** Characters of a password. */
  passwordCharacters: 1_000,
  /** Characters of a part of an idempotency key: `Idempotency-Key`, `id` and `source` of an event. */
  keyCharacters: 255,
  /** Characters of a caller's request id (`X-Request-Id`), which is logged and returned. */
  requestIdCharacters: 128,
  /** Bytes of a header: half of NGINX's buffer, so that the functions reject it, not NGINX. */
  headerBytes: 4_096,
  /** Sources of one export. */
  sources: 16,
  /** Recipients of an encrypted file. */
  recipients: 20,
  /** Conditions of one export. */
  conditions: 50,
  /** Grants of one account. */
  grants: 500,
  /** Values of an `in` or `notIn`. */
  listValues: 1_000,
  /** Bytes of the requests on a page of a list, its last one not counted: a page of large requests is short. */
  pageBytes: 131_072,
  /** Fields that an error lists; of the others it has only the number. */
  errors: 20,
  /** Characters of a text in an error. */
  errorCharacters: 200,
  /** Values that an error lists as allowed. */
  allowedValues: 100,
  /** Characters of the detail of an error. */
  detailCharacters: 2_000,
} as const;

/** Returns a size as text for a message: 262144 as 262,144. */
export const sizeText = (size: number): string => size.toLocaleString('en-US');

/** Returns the text, or its beginning and `…` if it has more characters. Never cuts a surrogate pair in half. */
export function shortened(text: string, characters: number): string {
  if (text.length <= characters) return text;
  const kept = text.slice(0, characters - 1);
  return `${kept.isWellFormed() ? kept : kept.slice(0, -1)}…`;
}
