import { withoutTrailing } from '../contracts/trailing.ts';

/** A number of JSON that a double does not hold exactly: what it was sent as is lost, so that nothing may use it. */
export class InexactNumber {
  readonly #value: number;

  constructor(value: number) {
    this.#value = value;
  }

  /** What RFC 8785 has for it: an event is signed as its doubles are. */
  toJSON(): number {
    return this.#value;
  }
}

/** Parses JSON. A number that a double does not hold exactly becomes an `InexactNumber`; throws as `JSON.parse`. */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, (_name: string, value: unknown, ...rest: unknown[]) => {
    if (typeof value !== 'number') return value;
    const [context] = rest;
    const source = hasSource(context) ? context.source : '';
    // A double holds whatever has 15 digits.
    if (source.length <= 15 && !/e/i.test(source)) return value;
    return decimalOf(source) === decimalOf(numberText(value)) ? value : new InexactNumber(value);
  });
}

/** https://github.com/tc39/proposal-json-parse-with-source */
const hasSource = (context: unknown): context is { source: string } =>
  typeof context === 'object' &&
  context !== null &&
  'source' in context &&
  typeof context.source === 'string';

/**
 * Returns all digits of an integer, as far as JavaScript writes it without an exponent; of all else the shortest
 * text that is this double and no other.
 */
export const numberText = (value: number): string =>
  Number.isInteger(value) && Math.abs(value) < 1e21 ? String(BigInt(value)) : String(value);

/** Returns one text for all spellings of a number: its digits without zeros at either end, and their exponent. */
function decimalOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(text) ?? [];
  const all = whole + fraction;
  const kept = withoutTrailing(all, '0');
  const digits = kept.replace(/^0+/, '');
  const shift = Number(exponent) - fraction.length + all.length - kept.length;
  return digits === '' ? '0' : `${sign}${digits}e${shift}`;
}
