import { isFiniteNumeric, unscaledBigInt, unscaledNumber } from './numeric.ts';
import type { Struct } from './thrift.ts';
import { convertedType, logicalType, type ParquetType, physicalType } from './types.ts';

export const maxPrecision = 38;

/** Returns a decimal in the smallest physical type that holds the digits. */
export function decimal(digits: number, scale: number): ParquetType {
  const name = `DECIMAL(${digits},${scale})`;
  const logical = (element: Struct): void => {
    element.i32(6, convertedType.decimal);
    element.i32(7, scale);
    element.i32(8, digits);
    logicalType(element, 5, (type) => {
      type.i32(1, scale);
      type.i32(2, digits);
    });
  };
  const common = {
    name,
    logical,
    decimal: { digits, scale },
    nullPolicy: 'NaN and the infinities are NULL',
  };
  if (digits <= 9)
    return {
      ...common,
      physicalType: physicalType.int32,
      encode(out, from, at) {
        if (!isFiniteNumeric(from, at)) return false;
        out.int32(unscaledNumber(from, at, digits, scale));
        return true;
      },
    };
  if (digits <= 15)
    return {
      ...common,
      physicalType: physicalType.int64,
      encode(out, from, at) {
        if (!isFiniteNumeric(from, at)) return false;
        const value = unscaledNumber(from, at, digits, scale);
        const high = Math.floor(value / 2 ** 32);
        out.int64(high, (value - high * 2 ** 32) | 0);
        return true;
      },
    };
  if (digits <= 18)
    return {
      ...common,
      physicalType: physicalType.int64,
      encode(out, from, at) {
        if (!isFiniteNumeric(from, at)) return false;
        const value = unscaledBigInt(from, at, digits, scale);
        const to = out.reserve(8);
        out.view.setBigInt64(to, value, true);
        return true;
      },
    };
  return {
    ...common,
    physicalType: physicalType.fixed,
    width: 16,
    signed: true,
    encode(out, from, at) {
      if (!isFiniteNumeric(from, at)) return false;
      const value = unscaledBigInt(from, at, digits, scale);
      const to = out.reserve(16);
      out.view.setBigInt64(to, value >> 64n);
      out.view.setBigUint64(to + 8, BigInt.asUintN(64, value));
      return true;
    },
  };
}
