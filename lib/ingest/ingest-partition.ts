import type { PoolClient } from 'pg';
import type { IncomingRecord } from '../messaging/incoming-record.ts';
import { relay } from '../messaging/outbox.ts';
import { errorCode, errorMessage, serializeError } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { inUnitOf } from './convert-units.ts';
import { type RejectedRecord, sendRejected } from './dead-letters.ts';
import { decodeRecord } from './decode-record.ts';
import { insertReadings, type StoredReading } from './insert-readings.ts';
import { lockSeries } from './lock-series.ts';
import { advanceProgress, lockProgress } from './progress.ts';
import type { Reading } from './reading.ts';
import { RejectedRecordError } from './rejected-record.ts';
import { recomputeRollups } from './rollups.ts';
import { writerTransaction } from './writer.ts';

/** A record and its readings, or the reason why it has none that can be stored. */
interface DecodedRecord {
  record: IncomingRecord;
  readings: readonly Reading[];
  reason?: string;
}

/** Also the names of metrics. */
interface Counts {
  [name: string]: number;
  readings: number;
  deadLetters: number;
  /** Records that were done before. */
  skipped: number;
}

/**
 * Stores the readings of a batch of one partition, each once however often the batch is delivered, and sends the records
 * that have none to the dead letters. Returns how many. Throws if it has to be delivered again: a database or Kafka did not answer.
 */
export async function ingestPartition(records: readonly IncomingRecord[]): Promise<Counts> {
  const now = Date.now();
  const counts = await store(records.map((record) => decode(record, now)));
  if (counts.deadLetters > 0) await relay();
  const [first] = records;
  logger.debug('readings ingested', {
    topic: first?.topic,
    partition: first?.partition,
    offset: first?.offset,
    records: records.length,
    ...counts,
  });
  return counts;
}

function decode(record: IncomingRecord, now: number): DecodedRecord {
  try {
    return { record, readings: decodeRecord(record, now) };
  } catch (error) {
    if (!(error instanceof RejectedRecordError)) {
      const { topic, partition, offset } = record;
      const details = { topic, partition, offset, error: serializeError(error) };
      logger.error('record sent to the dead letters: decoding failed', details);
    }
    return { record, readings: [], reason: errorMessage(error) };
  }
}

/**
 * Data, constraints and triggers that refuse a row, and limits of the server that a value exceeds. A reading that is
 * stored already (23505) was written in between without the lock of its series: the next delivery finds it.
 */
const refusals = /^(22|23(?!505)|54|P0)/;

/** Stores records in one transaction, or in several if the database refuses one of them: its half is divided again. */
async function store(records: readonly DecodedRecord[]): Promise<Counts> {
  try {
    return await storeAtOnce(records);
  } catch (error) {
    const [first] = records;
    if (!refusals.test(errorCode(error) ?? '') || !first) throw error;
    if (records.length === 1) {
      if (first.reason !== undefined) throw error;
      const reason = `the database refused it: ${errorMessage(error)}`;
      return await storeAtOnce([{ ...first, readings: [], reason }]);
    }
    const middle = Math.ceil(records.length / 2);
    const earlier = await store(records.slice(0, middle));
    const later = await store(records.slice(middle));
    return {
      readings: earlier.readings + later.readings,
      deadLetters: earlier.deadLetters + later.deadLetters,
      skipped: earlier.skipped + later.skipped,
    };
  }
}

function storeAtOnce(decoded: readonly DecodedRecord[]): Promise<Counts> {
  return writerTransaction(async (client) => {
    const [first] = decoded;
    const last = decoded.at(-1);
    if (!first || !last) return { readings: 0, deadLetters: 0, skipped: 0 };
    const { topic, partition } = first.record;
    const progress = await lockProgress(client, topic, partition, first.record.offset);
    const undone = decoded.filter(({ record }) => record.offset >= progress.nextOffset);
    const skipped = decoded.length - undone.length;
    if (undone.length === 0) return { readings: 0, deadLetters: 0, skipped };

    const { readings, rejected } = await convert(client, undone);
    if (readings.length > 0) {
      await insertReadings(client, readings, { streamId: progress.streamId, partition });
      await recomputeRollups(
        client,
        readings.map(({ reading }) => reading),
      );
    }
    await advanceProgress(client, topic, partition, {
      epoch: progress.epoch,
      nextOffset: last.record.offset + 1,
    });
    // Before the commit: a process that ends in between sends them again, and the outbox recognizes them.
    if (rejected.length > 0) await sendRejected(rejected, progress.epoch);
    return { readings: readings.length, deadLetters: rejected.length, skipped };
  });
}

/** Locks the series of the records and converts their readings to the units of the series. */
async function convert(
  client: PoolClient,
  decoded: readonly DecodedRecord[],
): Promise<{ readings: StoredReading[]; rejected: RejectedRecord[] }> {
  const declared = new Map<string, string | null>();
  for (const { readings } of decoded)
    for (const { series, unit = null } of readings)
      if ((declared.get(series) ?? null) === null) declared.set(series, unit);
  const units =
    declared.size === 0 ? new Map<string, string>() : await lockSeries(client, declared);

  const stored: StoredReading[] = [];
  const rejected: RejectedRecord[] = [];
  for (const { record, readings, reason } of decoded) {
    if (reason !== undefined) {
      rejected.push({ record, reason });
      continue;
    }
    try {
      const converted = readings.map((reading) =>
        inUnitOf(units.get(reading.series) ?? '', reading),
      );
      for (const reading of converted) stored.push({ reading, offset: record.offset });
    } catch (error) {
      if (!(error instanceof RejectedRecordError)) throw error;
      rejected.push({ record, reason: error.message });
    }
  }
  return { readings: stored, rejected };
}
