import type { Account } from '../access/accounts.ts';
import { sizes } from '../contracts/sizes.ts';
import { timeBounds } from '../ingest/reading-time.ts';
import { partitionOf, send } from '../messaging/kafka.ts';
import { topics } from '../messaging/topics.ts';
import { config } from '../runtime/config.ts';
import { AppError } from '../runtime/errors.ts';
import { parseSentReadings, type SentReading } from './parse-sent-readings.ts';
import { readableReadingsOf } from './readings-source.ts';

const topic = topics.readings.name;

/**
 * Sends the readings of a request to Kafka and returns their number when it has stored all of them. Throws `forbidden`
 * for an account that may not read these series, what `parseSentReadings` throws, and `unavailable` if
 * Kafka did not confirm all of them: some may be stored then, and are replaced when they are sent again.
 *
 * @param text returns the body of the request
 */
export async function publishReadings(account: Account, text: () => string): Promise<number> {
  const { readings: settings } = config();
  const readable = readableReadingsOf(account);
  if (settings === undefined || !readable)
    throw new AppError('forbidden', 'Your account may not send readings.');
  const readings = parseSentReadings(text(), timeBounds(Date.now(), settings));
  const other = readings.find(({ series }) => readable.series?.has(series) === false);
  if (other)
    throw new AppError('forbidden', `Your account may not send readings of ${other.series}.`);
  const byPartition = Map.groupBy(messagesOf(readings), ({ key }) => partitionOf(topic, key));
  try {
    await Promise.all(
      [...byPartition].map(([partition, messages]) => send('readings', topic, partition, messages)),
    );
  } catch (cause) {
    throw new AppError(
      'unavailable',
      'Kafka did not confirm all readings. Send all of them again in a few seconds: those that it has are replaced.',
      { cause },
    );
  }
  return readings.length;
}

interface ReadingsMessage {
  key: Buffer;
  value: Buffer;
  headers: [];
}

/**
 * Returns the messages for readings: each has those of one series, in their order, with the series as its key. Throws
 * `too_large` if a reading does not fit into a message.
 */
export function messagesOf(readings: readonly SentReading[]): ReadingsMessage[] {
  return [...Map.groupBy(readings, ({ series }) => series)].flatMap(([series, all]) =>
    valuesOf(all.map(({ json }) => json)).map((value) => ({
      key: Buffer.from(series),
      value,
      headers: [],
    })),
  );
}

/** Returns arrays of items, none larger than ingest accepts; a single item without an array. */
function valuesOf(items: readonly string[]): Buffer[] {
  const [only] = items;
  const value = Buffer.from(
    items.length === 1 && only !== undefined ? only : `[${items.join(',')}]`,
  );
  if (value.length <= sizes.requestBytes) return [value];
  if (items.length === 1)
    throw new AppError('too_large', 'A reading does not fit into a message of Kafka.');
  const middle = Math.ceil(items.length / 2);
  return [...valuesOf(items.slice(0, middle)), ...valuesOf(items.slice(middle))];
}
