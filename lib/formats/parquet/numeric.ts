import { UnsupportedValueError } from './unsupported-value.ts';

/** Signs in PostgreSQL's binary numeric (`numeric_send`); all others mean NaN or an infinity. */
const positive = 0;
const negative = 0x4000;

export const isFiniteNumeric = (view: DataView, at: number): boolean => {
  const sign = view.getUint16(at + 4);
  return sign === positive || sign === negative;
};

const isNegative = (view: DataView, at: number): boolean => view.getUint16(at + 4) === negative;

const powers = Array.from({ length: 16 }, (_, n) => 10 ** n);
const power = (n: number): number => powers[n] ?? Number.NaN;

/**
 * Returns a numeric × 10^scale as a whole number, without rounding. PostgreSQL sends groups of four decimal digits;
 * the first one means group × 10000^weight. Throws `UnsupportedValueError` if the value does not fit.
 *
 * For up to 15 digits: a double holds every whole number of that many.
 */
export function unscaledNumber(view: DataView, at: number, digits: number, scale: number): number {
  const groups = view.getUint16(at);
  const weight = view.getInt16(at + 2);
  let value = 0;
  let exponent = 0;
  for (let n = 0; n < groups; n++) {
    const group = view.getUint16(at + 8 + 2 * n);
    exponent = 4 * (weight - n) + scale;
    if (exponent >= 0) value = value * 10_000 + group;
    else {
      value = value * power(Math.max(0, 4 + exponent)) + wholeOf(group, -exponent);
      exponent = 0;
    }
  }
  // For more than 15 trailing zeros `power` is NaN, and so is the value: it is too long, too.
  if (value !== 0) value *= power(exponent);
  if (!(value < power(digits))) throw tooLong(digits);
  return isNegative(view, at) ? -value : value;
}

/** Returns the same as `unscaledNumber`, for any number of digits. */
export function unscaledBigInt(view: DataView, at: number, digits: number, scale: number): bigint {
  const groups = view.getUint16(at);
  const weight = view.getInt16(at + 2);
  if (groups > 0 && 4 * weight + scale > digits) throw tooLong(digits);
  let value = 0n;
  let exponent = 0;
  for (let n = 0; n < groups; n++) {
    const group = view.getUint16(at + 8 + 2 * n);
    exponent = 4 * (weight - n) + scale;
    if (exponent >= 0) value = value * 10_000n + BigInt(group);
    else {
      const whole = wholeOf(group, -exponent);
      value = value * BigInt(power(Math.max(0, 4 + exponent))) + BigInt(whole);
      exponent = 0;
    }
  }
  value *= 10n ** BigInt(exponent);
  if (value >= 10n ** BigInt(digits)) throw tooLong(digits);
  return isNegative(view, at) ? -value : value;
}

/** Returns a group without its last digits, which exceed the scale and must be zeros. */
function wholeOf(group: number, excessDigits: number): number {
  const divisor = power(Math.min(excessDigits, 4));
  if (group % divisor !== 0) throw new UnsupportedValueError('has more decimals than its type');
  return group / divisor;
}

const tooLong = (digits: number): UnsupportedValueError =>
  new UnsupportedValueError(`has more than ${digits} digits`);
