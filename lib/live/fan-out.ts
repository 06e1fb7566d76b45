import { decodeRecord } from '../ingest/decode-record.ts';
import type { Reading } from '../ingest/reading.ts';
import { RejectedRecordError } from '../ingest/rejected-record.ts';
import type { IncomingRecord } from '../messaging/incoming-record.ts';
import { serializeError } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { type Batch, storeBatch, storeRest } from './batches.ts';
import { itemJson } from './entries.ts';
import { epochOf, forgetEpoch } from './epochs.ts';
import { send } from './sender.ts';
import { inUnitsOfSeries } from './units.ts';

/**
 * Stores the readings of a batch of one partition for the sender, each once however often the batch is delivered, and
 * has them sent. Returns how many there were. Throws if it has to be delivered again: a database or Kafka did not answer.
 */
export async function fanOut(
  records: readonly IncomingRecord[],
): Promise<Record<'liveReadings', number>> {
  const [first] = records;
  const last = records.at(-1);
  if (!first || !last) return { liveReadings: 0 };
  const { topic, partition } = first;
  const now = Date.now();
  const converted = await inUnitsOfSeries(records.map((record) => decode(record, now)));
  const readings = records.flatMap(({ offset }, n) =>
    (converted[n] ?? []).map((reading) => ({
      topic,
      partition,
      offset,
      series: reading.series,
      json: itemJson(reading),
    })),
  );
  const batch = async (): Promise<Batch> => {
    const epoch = await epochOf(topic);
    const entries = readings.map((reading) => ({ ...reading, epoch }));
    const [firstOffset, nextOffset] = [first.offset, last.offset + 1];
    return { topic, partition, epoch, firstOffset, nextOffset, entries };
  };
  if (!(await storeBatch(await batch()))) {
    // Its offsets were seen before: it is delivered again, or the topic was created again.
    forgetEpoch(topic);
    await storeRest(await batch());
  }
  await send();
  return { liveReadings: readings.length };
}

/** Returns the readings of a record; none if ingest sends it to the dead letters. */
function decode(record: IncomingRecord, now: number): readonly Reading[] {
  try {
    return decodeRecord(record, now);
  } catch (error) {
    if (!(error instanceof RejectedRecordError)) {
      const { topic, partition, offset } = record;
      logger.error('record not sent to live sockets: decoding failed', {
        topic,
        partition,
        offset,
        error: serializeError(error),
      });
    }
    return [];
  }
}
