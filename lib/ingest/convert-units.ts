import { errorMessage } from '../runtime/errors.ts';
import { type Conversion, conversionOf } from './pipelines/units.ts';
import type { Reading } from './reading.ts';
import { RejectedRecordError } from './rejected-record.ts';

/** Conversions of this process, by both units. Producers choose the units, so their number has a limit. */
const known = new Map<string, Conversion | RejectedRecordError>();
const maxKnown = 1_000;

/**
 * Returns the reading with its value in the unit of its series. A reading without a unit has that of its series. Throws
 * a `RejectedRecordError` if its unit cannot be converted.
 */
export function inUnitOf(seriesUnit: string, reading: Reading): Reading {
  const { unit, value } = reading;
  if (unit === undefined || unit === seriesUnit) return reading;
  const convert = conversionBetween(unit, seriesUnit);
  if (convert instanceof RejectedRecordError) throw convert;
  const converted = convert(value);
  if (!Number.isFinite(converted))
    throw new RejectedRecordError(`value: is no finite number in ${seriesUnit}`);
  return { ...reading, value: converted, unit: seriesUnit };
}

function conversionBetween(from: string, to: string): Conversion | RejectedRecordError {
  const key = `${from}\0${to}`;
  const found = known.get(key);
  if (found) return found;
  const conversion = findConversion(from, to);
  if (known.size < maxKnown) known.set(key, conversion);
  return conversion;
}

function findConversion(from: string, to: string): Conversion | RejectedRecordError {
  try {
    return conversionOf(from, to);
  } catch (cause) {
    return new RejectedRecordError(`unit: the series is in ${to}; ${errorMessage(cause)}`, {
      cause,
    });
  }
}
