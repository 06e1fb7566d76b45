import type { FieldError } from '../contracts/problem.ts';
import { sizes, sizeText } from '../contracts/sizes.ts';
import { AppError } from './errors.ts';
import { InexactNumber, parseExactly } from './exact-number.ts';

/**
 * Parses the JSON text of a request. Size and depth are checked first, in at most one pass over its characters. A number
 * that a double cannot represent exactly becomes an `InexactNumber`, which `faultsOf` reports. Throws `too_large` or
 * `malformed_body`.
 *
 * @param maxBytes size of the text in bytes of UTF-8
 */
export function readJson(text: string, maxBytes: number): unknown {
  if (isLonger(text, maxBytes))
    throw new AppError(
      'too_large',
      `The body has more than ${sizeText(maxBytes)} bytes. Send a smaller one.`,
    );
  if (isDeeper(text, sizes.depth))
    throw new AppError(
      'too_large',
      `The body has more than ${sizes.depth} levels of nested arrays and objects.`,
    );
  try {
    return parseExactly(text);
  } catch (cause) {
    throw new AppError('malformed_body', 'The body is not JSON.', { cause });
  }
}

/** Returns whether the text has more than `bytes` bytes in UTF-8. Counts them only if the length does not decide it. */
export const isLonger = (text: string, bytes: number): boolean =>
  text.length > bytes || (text.length * 3 > bytes && Buffer.byteLength(text) > bytes);

const quote = '"'.charCodeAt(0);
const backslash = '\\'.charCodeAt(0);
const openingBracket = '['.charCodeAt(0);
const openingBrace = '{'.charCodeAt(0);
const closingBracket = ']'.charCodeAt(0);
const closingBrace = '}'.charCodeAt(0);

/** Returns whether brackets outside of strings are nested more than `levels` deep. Reads each character once. */
export function isDeeper(text: string, levels: number): boolean {
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

/** Returns the field name for a user: `sources` for `sources.0`, but `where.0.value` with its index. */
export function fieldOf(path: readonly PropertyKey[]): string {
  const last = path.at(-1);
  return (typeof last === 'number' ? path.slice(0, -1) : path).map(String).join('.');
}

interface Faults {
  /** Values that are too large, and numbers that a double cannot represent. */
  values: FieldError[];
  /** Strings that are not valid text. */
  texts: FieldError[];
}

/**
 * Returns the faults that no schema has to check, found in one walk over a value from `readJson`: strings, names, arrays
 * and objects that are too large, inexact numbers, and strings that are not valid text. PostgreSQL cannot store NUL;
 * half a surrogate pair is not Unicode, so that nothing can store it and RFC 8785 has no canonical form of it.
 *
 * @param unread fields of the outermost object that a later call checks: here only their texts are checked
 */
export function faultsOf(value: unknown, unread: ReadonlySet<string>): Faults {
  const faults: Faults = { values: [], texts: [] };
  const path: (string | number)[] = [];
  visit(value, true);
  return faults;

  function visit(node: unknown, isMeasured: boolean): void {
    if (typeof node === 'string') return visitText(node, isMeasured);
    if (typeof node !== 'object' || node === null) return;
    if (node instanceof InexactNumber) {
      if (isMeasured)
        faults.values.push({
          field: here(),
          message: 'is a number that a double cannot represent exactly: send it as a string',
        });
      return;
    }
    if (Array.isArray(node)) {
      if (isMeasured && node.length > sizes.arrayItems)
        tooLarge(`must have at most ${sizeText(sizes.arrayItems)} items`);
      for (const [index, item] of node.entries()) visitChild(index, item, isMeasured);
      return;
    }
    const fields = Object.entries(node);
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
      visitChild(name, field, isMeasured && !(path.length === 0 && unread.has(name)));
    }
  }

  function visitChild(step: string | number, child: unknown, isMeasured: boolean): void {
    path.push(step);
    visit(child, isMeasured);
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
