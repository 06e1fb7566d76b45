import Qty from 'js-quantities';
import { shortened } from '../../contracts/sizes.ts';
import { errorMessage } from '../../runtime/errors.ts';
import { limits } from './limits.ts';

export type Conversion = (value: number) => number;

/** A scale of temperatures: what it shows at the melting point of water, and the size of its degree in kelvins. */
interface TemperatureScale {
  zero: number;
  numerator: number;
  denominator: number;
}

const kelvin: TemperatureScale = { zero: 273.15, numerator: 1, denominator: 1 };
const celsius: TemperatureScale = { zero: 0, numerator: 1, denominator: 1 };
const fahrenheit: TemperatureScale = { zero: 32, numerator: 5, denominator: 9 };
const rankine: TemperatureScale = { zero: 491.67, numerator: 5, denominator: 9 };

/**
 * A value in these units alone is a temperature. js-quantities takes `degC` for a difference, and loses digits with its
 * own `tempC`: 212 °F would be 100.00000000000006 °C.
 */
const temperatureScales: ReadonlyMap<string, TemperatureScale> = new Map([
  ...['K', 'kelvin', 'degK', 'tempK'].map((name) => [name, kelvin] as const),
  ...['°C', '℃', 'degC', 'celsius', 'tempC'].map((name) => [name, celsius] as const),
  ...['°F', '℉', 'degF', 'fahrenheit', 'tempF'].map((name) => [name, fahrenheit] as const),
  ...['°R', 'degR', 'rankine', 'tempR'].map((name) => [name, rankine] as const),
]);

/** Returns a number without the last digits of its double: 101.3 for 101.29999999999998. */
export const roundedTo15Digits = (value: number): number => Number(value.toPrecision(15));

/**
 * Returns the conversion between two units, whose results have 15 digits. Throws an error if a unit is unknown, or they
 * measure different things.
 */
export function conversionOf(from: string, to: string): Conversion {
  const convert = exactConversionOf(from, to);
  return (value) => roundedTo15Digits(convert(value));
}

function exactConversionOf(from: string, to: string): Conversion {
  const source = temperatureScales.get(from);
  const target = temperatureScales.get(to);
  if (source && target) return temperatureConversion(source, target);
  if (source || target) throw new Error(`${from} cannot be converted to ${to}`);
  if (!quantityOf(from).isCompatible(quantityOf(to)))
    throw new Error(`${from} cannot be converted to ${to}`);
  return Qty.swiftConverter(spelled(from), spelled(to));
}

function temperatureConversion(from: TemperatureScale, to: TemperatureScale): Conversion {
  const numerator = from.numerator * to.denominator;
  const denominator = from.denominator * to.numerator;
  return (value) => ((value - from.zero) * numerator) / denominator + to.zero;
}

function quantityOf(unit: string): Qty {
  const isNamed = unit.length <= limits.unitCharacters && !/^\s*[-+.\d]/.test(unit);
  const quantity = isNamed && unit.trim() !== '' ? Qty.parse(spelled(unit)) : null;
  if (quantity === null) throw new Error(`the unit ${shortened(unit, 64)} is unknown`);
  return quantity;
}

/** Returns a unit as js-quantities writes it: m³/h as m3/h. */
const spelled = (unit: string): string =>
  unit.replaceAll('²', '2').replaceAll('³', '3').replaceAll('·', '*');

/** Returns a function that converts from the unit that a record names. It throws what `conversionOf` throws. */
export function conversionsTo(to: string): (value: number, from: string) => number {
  const known = new Map<string, Conversion | Error>();
  return (value, from) => {
    let conversion = known.get(from);
    if (conversion === undefined) {
      if (known.size >= limits.convertedUnits)
        throw new Error(`the unit ${shortened(from, 64)} is one too many`);
      conversion = attempt(from, to);
      known.set(from, conversion);
    }
    if (conversion instanceof Error) throw conversion;
    return conversion(value);
  };
}

function attempt(from: string, to: string): Conversion | Error {
  try {
    return conversionOf(from, to);
  } catch (error) {
    return error instanceof Error ? error : new Error(errorMessage(error));
  }
}
