import { describe, expect, test } from '@jest/globals';
import { decodeReadings } from '../../../lib/ingest/decode-record.ts';
import { timeBounds } from '../../../lib/ingest/reading-time.ts';
import { sensorOf } from '../../postgres/demo/sensors.ts';
import { microsPerDay, microsPerSecond } from '../../postgres/demo/time.ts';
import { Simulation } from './simulation.ts';

const start = Date.parse('2026-03-01T00:00:00Z') * 1_000;
const plain = { series: 12, seed: 1, gaps: false, late: 0, bad: 0 };
const bounds = timeBounds(start / 1_000, { maxAgeDays: 10, maxFutureSeconds: 600 });
const count = 3_000;

/** Returns what a simulation sends, at ten records a second. */
const recordsOf = (options: Partial<typeof plain>, every = microsPerSecond / 10) => {
  const simulation = new Simulation({ ...plain, ...options });
  return Array.from({ length: count }, (_, number) =>
    simulation.record(number, start + number * every),
  );
};

describe('Simulation', () => {
  test('sends the same for the same seed and times, and something else for another seed', () => {
    const options = { gaps: true, late: 0.1, bad: 0.1 };
    expect(recordsOf(options)).toEqual(recordsOf(options));
    expect(recordsOf(options)).not.toEqual(recordsOf({ ...options, seed: 2 }));
  });

  test('sends readings that ingest accepts, of all series in turn, in the range of each sensor', () => {
    // A whole day, so that every curve reaches its extremes.
    const records = recordsOf({}, Math.floor(microsPerDay / count));
    const later = timeBounds(start / 1_000 + 86_400_000, { maxAgeDays: 10, maxFutureSeconds: 0 });
    const readings = records.flatMap((record) => decodeReadings(record?.value ?? '', later));
    expect(readings).toHaveLength(count);
    expect(new Set(readings.map(({ series }) => series)).size).toBe(12);
    for (let index = 0; index < 12; index++) {
      const { name, unit, middle, swing } = sensorOf(index);
      const own = readings.filter(({ series }) => series === name);
      const values = own.map(({ value }) => value);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(middle - swing);
      expect(Math.max(...values)).toBeLessThanOrEqual(middle + swing);
      expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(swing);
      expect(new Set(own.map((reading) => reading.unit))).toEqual(new Set([unit]));
    }
  });

  test('leaves out whole times of a series with gaps, about a tenth of all', () => {
    const records = recordsOf({ gaps: true }, 10 * microsPerSecond);
    const missing = records.filter((record) => record === undefined).length;
    expect(missing / count).toBeGreaterThan(0.05);
    expect(missing / count).toBeLessThan(0.2);
  });

  test('sends about the asked share of readings late, by up to an hour', () => {
    const records = recordsOf({ late: 0.2 });
    const late = records.flatMap((record, number) => {
      if (record?.kind !== 'late') return [];
      const [reading] = decodeReadings(record.value, bounds);
      return [start + (number * microsPerSecond) / 10 - (reading?.atMicros ?? 0)];
    });
    expect(late.length / count).toBeGreaterThan(0.1);
    expect(late.length / count).toBeLessThan(0.3);
    expect(Math.min(...late)).toBeGreaterThan(0);
    expect(Math.max(...late)).toBeLessThanOrEqual(3_600 * microsPerSecond);
  });

  test('sends about the asked share of records bad: ingest rejects exactly those', () => {
    const records = recordsOf({ bad: 0.2 });
    const bad = records.filter((record) => record?.kind === 'bad');
    expect(bad.length / count).toBeGreaterThan(0.1);
    expect(bad.length / count).toBeLessThan(0.3);
    for (const record of records) {
      const decode = () => decodeReadings(record?.value ?? '', bounds);
      if (record?.kind === 'bad') expect(decode).toThrow();
      else expect(decode).not.toThrow();
    }
  });
});
