import { isUtf8 } from 'node:buffer';
import { sizes, sizeText } from '../contracts/sizes.ts';
import type { Header } from '../messaging/message-headers.ts';
import { config } from '../runtime/config.ts';
import { errorMessage } from '../runtime/errors.ts';
import { isRawNumber, parseWithDigits } from './exact-json.ts';
import { decoderOfTopic } from './pipelines/index.ts';
import { checkReading, isObject, type Reading } from './reading.ts';
import { type TimeBounds, timeBounds } from './reading-time.ts';
import { RejectedRecordError } from './rejected-record.ts';

/** What decoding needs of a record. */
interface UndecodedRecord {
  topic: string;
  /** Absent: the record has none that expressions of a pipeline could use. */
  key?: Buffer | null;
  value: Buffer | null;
  headers: readonly Header[];
}

/** What `STREAMSYNC_READINGS` sets by default. */
export const defaultTimeRules = { maxAgeDays: 3_650, maxFutureSeconds: 600 };

/**
 * Returns the readings of a record: at least one of our own topic, any number of a pipeline's topic. Ingest and the live
 * fan-out both use it, so that both refuse the same records. Throws a `RejectedRecordError` with the reason for the dead letter.
 *
 * @param now milliseconds since 1970, by which a reading is too old or in the future
 */
export function decodeRecord(
  { topic, key, value, headers }: UndecodedRecord,
  now: number,
): readonly Reading[] {
  const bounds = timeBounds(now, config().readings ?? defaultTimeRules);
  const text = textOf(value);
  const decode = decoderOfTopic(topic);
  return decode
    ? decode({ topic, text, key, headers }, bounds).readings
    : decodeReadings(text, bounds);
}

/** Returns the text of a record. Throws a `RejectedRecordError` if it has none, or too much. */
export function textOf(value: Buffer | null): string {
  if (value === null || value.length === 0) throw new RejectedRecordError('has no value');
  if (value.length > sizes.requestBytes)
    throw new RejectedRecordError(
      `has ${sizeText(value.length)} bytes; the limit is ${sizeText(sizes.requestBytes)}`,
    );
  if (!isUtf8(value)) throw new RejectedRecordError('is not text in UTF-8');
  return value.toString();
}

/**
 * Parses a reading, or an array of readings of one series, in the form of the topic `readings`. This is the hot path of
 * ingest: JSON.parse and a few comparisons. Numbers that a double may not hold (nanoseconds; long numbers in
 * attributes) take a slower way that keeps their digits.
 */
export function decodeReadings(text: string, bounds: TimeBounds): readonly Reading[] {
  const parsed = parse(text);
  if (!Array.isArray(parsed)) return [readingOf(parsed, bounds)];
  if (parsed.length === 0) throw new RejectedRecordError('is an array without readings');
  if (parsed.length > sizes.arrayItems)
    throw new RejectedRecordError(
      `has ${sizeText(parsed.length)} readings; the limit is ${sizeText(sizes.arrayItems)}`,
    );
  const readings = parsed.map((item: unknown, index) => {
    try {
      return readingOf(item, bounds);
    } catch (error) {
      throw new RejectedRecordError(`reading ${index}: ${errorMessage(error)}`);
    }
  });
  const other = readings.find(({ series }) => series !== readings[0]?.series);
  if (other)
    throw new RejectedRecordError(
      'is an array with readings of more than one series: send one record for each series',
    );
  return readings;
}

/** Sixteen digits or more, with or without a point. */
const longNumber = /[\d.]{16}/;

function parse(text: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new RejectedRecordError(`is not JSON: ${errorMessage(cause)}`, { cause });
  }
  const items: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  return items.some(mayBeInexact) && longNumber.test(text) ? parseWithDigits(text) : parsed;
}

const mayBeInexact = (item: unknown): boolean =>
  isObject(item) &&
  (item.attributes !== undefined ||
    (typeof item.at === 'number' && Math.abs(item.at) > Number.MAX_SAFE_INTEGER));

function readingOf(item: unknown, bounds: TimeBounds): Reading {
  if (!isObject(item))
    throw new RejectedRecordError('is not an object with `series`, `at` and `value`');
  const { series, unit, attributes } = item;
  checkNames(item);
  const at = isRawNumber(item.at) ? exactTime(item.at.rawJSON) : item.at;
  const value = isRawNumber(item.value) ? Number(item.value.rawJSON) : item.value;
  return checkReading({ series, at, value, unit, attributes }, bounds);
}

const exactTime = (source: string): string | number =>
  /^-?\d{1,19}$/.test(source) ? source : Number(source);

const fieldNames = new Set(['series', 'at', 'value', 'unit', 'attributes']);

/** A misspelt field would be lost silently. */
function checkNames(item: Record<string, unknown>): void {
  for (const name of Object.keys(item))
    if (!fieldNames.has(name))
      throw new RejectedRecordError(
        `has an unknown field ${JSON.stringify(name.slice(0, 100))}: allowed are ${[...fieldNames].join(', ')}`,
      );
}
