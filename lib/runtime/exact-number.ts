import { withoutTrailing } from '../contracts/trim-trailing.ts';

/** A JSON number that a double cannot represent exactly. The sent value is lost, so it must not be used. */
export class InexactNumber {
  readonly #value: number;

  constructor(value: number) {
    this.#value = value;
  }

  /** Returns the double, as RFC 8785 does: the signature of an event covers its doubles. */
  toJSON(): number {
    return this.#value;
  }
}

/** Parses JSON. A number that a double cannot represent exactly becomes an `InexactNumber`. Throws what `JSON.parse` throws. */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, (_name: string, value: unknown, ...rest: unknown[]) => {
    if (typeof value !== 'number') return value;
    const [context] = rest;
    const source = hasSource(context) ? context.source : '';
    // A double represents every number of up to 15 digits.
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
 * Returns all digits of an integer below 1e21, which JavaScript writes without an exponent, and the shortest unambiguous
 * text of every other double.
 */
export const numberText = (value: number): string =>
  Number.isInteger(value) && Math.abs(value) < 1e21 ? String(BigInt(value)) : String(value);

/** Returns the same text for all spellings of a number: its digits without leading and trailing zeros, and the exponent. */
function decimalOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(text) ?? [];
  const all = whole + fraction;
  const trimmed = withoutTrailing(all, '0');
  const digits = trimmed.replace(/^0+/, '');
  const shift = Number(exponent) - fraction.length + all.length - trimmed.length;
  return digits === '' ? '0' : `${sign}${digits}e${shift}`;
}
