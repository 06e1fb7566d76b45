import type { FieldError } from '../contracts/problem.ts';
import { sizes, sizeText } from '../contracts/sizes.ts';
import { Refusal } from './errors.ts';
import { InexactNumber, parseExactly } from './exact-number.ts';

/**
 * Reads the JSON text of a request. Its size and depth are known before it is parsed: what is too large
 * costs one look at its characters at most. A number that a double does not hold exactly is an `InexactNumber`,
 * which `faultsOf` names. Throws `too_large` or `malformed_body`.
 *
 * @param mostBytes size of the text in bytes of UTF-8
 */
export function readJson(text: string, mostBytes: number): unknown {
  if (isLonger(text, mostBytes))
    throw new Refusal(
      'too_large',
      `The body has more than ${sizeText(mostBytes)} bytes. Send a smaller one.`,
    );
  if (isDeeper(text, sizes.depth))
    throw new Refusal(
      'too_large',
      `The body has more than ${sizes.depth} levels of arrays and objects in each other.`,
    );
  try {
    return parseExactly(text);
  } catch (cause) {
    throw new Refusal('malformed_body', 'The body is not JSON.', { cause });
  }
}

/** Returns whether the text has more bytes in UTF-8; counts them only where its length does not tell. */
export const isLonger = (text: string, bytes: number): boolean =>
  text.length > bytes || (text.length * 3 > bytes && Buffer.byteLength(text) > bytes);

const quote = '"'.charCodeAt(0);
const backslash = '\\'.charCodeAt(0);
const openingBracket = '['.charCodeAt(0);
const openingBrace = '{'.charCodeAt(0);
const closingBracket = ']'.charCodeAt(0);
const closingBrace = '}'.charCodeAt(0);

/** Returns whether brackets outside of strings lie deeper in each other; it reads each character once. */
function isDeeper(text: string, levels: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === backslash) at++;
      else if (code === quote) inString = false;
    } else if (code === quote) inString = true;
    else if (code === openingBracket || code === openingBrace) {
      depth++;
      if (depth > levels) return true;
    } else if (code === closingBracket || code === closingBrace) depth--;
  }
  return false;
}

/** `sources.0` is the field `sources` to the person who filled it in; `where.0.value` keeps its place. */
export function fieldOf(path: readonly PropertyKey[]): string {
  const last = path.at(-1);
  return (typeof last === 'number' ? path.slice(0, -1) : path).map(String).join('.');
}

interface Faults {
  /** Values that are too large, and numbers that a double does not hold. */
  values: FieldError[];
  /** Strings that are no text. */
  texts: FieldError[];
}

/**
 * Returns what no schema has to look at, found in one walk over a value that `readJson` has read: strings,
 * names, arrays and objects that are too large, and strings that are no text. PostgreSQL has no text with a
 * NUL; half a surrogate pair is no Unicode, so that nothing can store it and RFC 8785 has no canonical form
 * of it. A number that a double does not hold would be another one from here on.
 *
 * @param unread fields of the outermost object that are read later, by a walk of their own: only their
 *   texts are looked at
 */
export function faultsOf(value: unknown, unread: ReadonlySet<string>): Faults {
  const faults: Faults = { values: [], texts: [] };
  const path: (string | number)[] = [];
  visit(value, true);
  return faults;

  function visit(part: unknown, isMeasured: boolean): void {
    if (typeof part === 'string') return visitText(part, isMeasured);
    if (typeof part !== 'object' || part === null) return;
    if (part instanceof InexactNumber) {
      if (isMeasured)
        faults.values.push({
          field: here(),
          message: 'is a number that a double does not hold exactly: send it as a string',
        });
      return;
    }
    if (Array.isArray(part)) {
      if (isMeasured && part.length > sizes.arrayItems)
        tooLarge(`must have at most ${sizeText(sizes.arrayItems)} items`);
      for (const [index, item] of part.entries()) below(index, item, isMeasured);
      return;
    }
    const fields = Object.entries(part);
    if (isMeasured && fields.length > sizes.objectFields)
      tooLarge(`must have at most ${sizeText(sizes.objectFields)} fields`);
    for (const [name, field] of fields) {
      if (isMeasured && name.length > sizes.nameCharacters)
        faults.values.push({
          field: fieldOf([...path, name]),
          message: `has a name of more than ${sizeText(sizes.nameCharacters)} characters`,
        });
      const fault = faultOfText(name);
      if (fault) faults.texts.push({ field: here(), message: `has a field whose name ${fault}` });
      below(name, field, isMeasured && !(path.length === 0 && unread.has(name)));
    }
  }

  function below(step: string | number, part: unknown, isMeasured: boolean): void {
    path.push(step);
    visit(part, isMeasured);
    path.pop();
  }

  function visitText(text: string, isMeasured: boolean): void {
    if (isMeasured && isLonger(text, sizes.stringBytes))
      tooLarge(`must have at most ${sizeText(sizes.stringBytes)} bytes`);
    const fault = faultOfText(text);
    if (fault) faults.texts.push({ field: here(), message: fault });
  }

  function tooLarge(message: string): void {
    faults.values.push({ field: here(), message });
  }

  function here(): string {
    return fieldOf(path);
  }
}

function faultOfText(text: string): string | null {
  if (text.includes('\0')) return String.raw`has a NUL character (\u0000)`;
  return text.isWellFormed() ? null : String.raw`has half a surrogate pair (\ud800)`;
}
