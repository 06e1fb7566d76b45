import type { FieldError } from '../contracts/problem.ts';
import { sizes, sizeText } from '../contracts/sizes.ts';
import { decodeReadings } from '../ingest/decode-record.ts';
import { parseWithDigits } from '../ingest/exact-json.ts';
import { isObject } from '../ingest/reading.ts';
import type { TimeBounds } from '../ingest/reading-time.ts';
import { RejectedRecordError } from '../ingest/rejected-record.ts';
import { AppError, invalidFields } from '../runtime/errors.ts';
import { readJson } from '../runtime/json-input.ts';

/** A reading as it was sent, in the digits of the caller. */
export interface SentReading {
  series: string;
  json: string;
}

/**
 * Returns the readings of a request, one or an array of them, which are accepted by the same rules as those from Kafka:
 * what passes here is not rejected there. Throws `invalid_request` with the index and the field of each that is wrong
 * (`2.at`), `too_large` and `malformed_body`.
 */
export function parseSentReadings(text: string, bounds: TimeBounds): SentReading[] {
  // Checks the size and the depth before anything recurses into the text.
  const isArray = Array.isArray(readJson(text, sizes.requestBytes));
  const parsed = parseWithDigits(text);
  const items: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  if (items.length === 0) throw invalidFields([{ field: 'body', message: 'has no readings' }]);
  if (items.length > sizes.arrayItems)
    throw new AppError(
      'too_large',
      `The body has more than ${sizeText(sizes.arrayItems)} readings. Send fewer at a time.`,
    );
  const errors: FieldError[] = [];
  const readings = items.flatMap((item, index): SentReading[] => {
    try {
      // Ingest would accept an array here, as it does in a message.
      if (Array.isArray(item)) throw new RejectedRecordError('must be an object');
      if (isObject(item) && typeof item.at === 'string' && item.at.length > sizes.instantCharacters)
        throw new RejectedRecordError(
          `at: must have at most ${sizes.instantCharacters} characters`,
        );
      const json = JSON.stringify(item);
      const [reading] = decodeReadings(json, bounds);
      return reading ? [{ series: reading.series, json }] : [];
    } catch (error) {
      if (!(error instanceof RejectedRecordError)) throw error;
      errors.push(errorOf(error.message, isArray ? String(index) : undefined));
      return [];
    }
  });
  if (errors.length > 0) throw invalidFields(errors);
  return readings;
}

/** Returns the error of a reading from the reason for which ingest would reject it, which may begin with a field. */
function errorOf(reason: string, index: string | undefined): FieldError {
  const [, field, message = reason] =
    /^(series|at|value|unit|attributes): ([^]*)$/.exec(reason) ?? [];
  const path = [index, field].filter((step) => step !== undefined);
  return { field: path.length === 0 ? 'body' : path.join('.'), message };
}
