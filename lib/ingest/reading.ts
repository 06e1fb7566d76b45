import { sizes, sizeText } from '../contracts/sizes.ts';
import { isLonger } from '../runtime/json-input.ts';
import { checkTime, microsOf, type TimeBounds } from './reading-time.ts';
import { RejectedRecordError } from './rejected-record.ts';

/** One value of one series at one instant. */
export interface Reading {
  series: string;
  /** Microseconds since 1970. */
  atMicros: number;
  /** Finite. */
  value: number;
  /** Absent: that of the series. */
  unit?: string;
  attributes?: Record<string, unknown>;
}

/** A reading from JSON: the fields of our own topic, or what a pipeline made of another one. */
export type SentReading = Record<'series' | 'at' | 'value' | 'unit' | 'attributes', unknown>;

/** Checks every field. Throws a `RejectedRecordError` that names the wrong one. */
export const checkReading = (sent: SentReading, bounds: TimeBounds): Reading =>
  checkFields(sent, microsOf(sent.at), bounds);

/** Does the same with a time that is known in microseconds since 1970. */
export function checkFields(
  { series, value, unit, attributes }: Omit<SentReading, 'at'>,
  atMicros: number,
  bounds: TimeBounds,
): Reading {
  checkText('series', series);
  checkTime(atMicros, bounds);
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new RejectedRecordError('value: must be a finite number');
  const reading: Reading = { series, atMicros, value };
  if (unit !== undefined) {
    checkText('unit', unit);
    reading.unit = unit;
  }
  if (attributes !== undefined) {
    if (!isObject(attributes)) throw new RejectedRecordError('attributes: must be an object');
    checkNested('attributes', attributes, 1);
    reading.attributes = attributes;
  }
  return reading;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Names that differ only in invisible characters would be two series. */
const controlCharacter = /\p{Cc}/u;

function checkText(field: string, text: unknown): asserts text is string {
  if (typeof text !== 'string' || text === '')
    throw new RejectedRecordError(`${field}: must be a text that is not empty`);
  if (text.length > sizes.nameCharacters)
    throw new RejectedRecordError(
      `${field}: must have at most ${sizes.nameCharacters} characters, it has ${sizeText(text.length)}`,
    );
  if (controlCharacter.test(text))
    throw new RejectedRecordError(`${field}: must not have control characters`);
  if (!text.isWellFormed())
    throw new RejectedRecordError(String.raw`${field}: has half a surrogate pair (\ud800)`);
}

/** Refuses what jsonb cannot store, or only differently. */
function checkNested(field: string, value: unknown, level: number): void {
  if (typeof value === 'string') return checkNestedText(field, value);
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new RejectedRecordError(`${field}: has a number that no double can hold`);
  if (typeof value !== 'object' || value === null) return;
  if (level > sizes.depth)
    throw new RejectedRecordError(`${field}: has more than ${sizes.depth} levels`);
  for (const [name, nested] of Object.entries(value)) {
    checkNestedText(field, name);
    checkNested(field, nested, level + 1);
  }
}

function checkNestedText(field: string, text: string): void {
  if (isLonger(text, sizes.stringBytes))
    throw new RejectedRecordError(
      `${field}: has a text of more than ${sizeText(sizes.stringBytes)} bytes`,
    );
  if (text.includes('\0') || !text.isWellFormed())
    throw new RejectedRecordError(
      String.raw`${field}: has a character that cannot be stored (\u0000 or \ud800)`,
    );
}
