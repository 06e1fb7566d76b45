// The sensors of a plant: every series reports every 40 minutes for the last 60 days of 2025; 3 % of the readings are
// missing. Readings are ordered by their instants, no two at the same instant.

import { type Row } from './csv.ts';
import { at, Random } from './random.ts';
import { sensorKindCount, sensorOf } from './sensors.ts';
import { type Demo } from './table.ts';
import { microsPerDay, microsPerSecond, startOf, timestampText } from './time.ts';

const sites = ['Hamburg', 'Łódź', 'Rotterdam', 'Vác, north hall'] as const;
const seriesPerKind = 40;
const seriesCount = sensorKindCount * seriesPerKind;

const dataStart = startOf('2025-11-02');
const dataEnd = startOf('2026-01-01');
const roundMicros = 2400 * microsPerSecond;
const slotMicros = roundMicros / seriesCount; // each series reports in its own slot of the round

/** The last series reports, in turn, doubles that readers often decode incorrectly. */
const probeIndex = seriesCount - 1;
const awkwardValues = [
  'NaN',
  'Infinity',
  '-Infinity',
  '-0',
  '5e-324',
  '1.7976931348623157e308',
  '0.30000000000000004',
  '1e21',
  '123456789012345680',
] as const;

const readingAttributes = [
  '{"quality": "good", "battery": 87}',
  '{"quality": "uncertain", "battery": 12.50}',
  '{"quality": "bad", "reason": "out of range, \\"high\\""}',
  '{"firmware": {"version": "2.4.1", "flags": [1, null, true]}}',
  '{"serial": 12345678901234567890}',
  '{}',
] as const;

const sensors = Array.from({ length: seriesCount }, (_, index) => sensorOf(index));
const seriesNames = sensors.map(({ name }, index) => (index === probeIndex ? 'probe-1' : name));

const readingColumns = ['series', 'at', 'value', 'attributes'];

export const iot: Demo = {
  database: 'iot',
  tables: [
    { name: 'series', columns: ['series', 'unit', 'site', 'attributes'], rows: series },
    // Loaded into the partitions directly: COPY FREEZE rejects a partitioned table.
    {
      name: 'readings_2025_11',
      columns: readingColumns,
      rows: () => readings(dataStart, startOf('2025-12-01')),
    },
    {
      name: 'readings_2025_12',
      columns: readingColumns,
      rows: () => readings(startOf('2025-12-01'), dataEnd),
    },
  ],
};

function* series(): Generator<Row> {
  for (const [index, name] of seriesNames.entries()) {
    const { unit, middle, swing } = at(sensors, index);
    const random = new Random(index);
    const attributes = {
      model: `M${100 + random.below(900)}`,
      line: 1 + random.below(8),
      limits: { low: middle - swing, high: middle + swing },
    };
    yield [name, unit, at(sites, Math.floor(index / sensorKindCount)), JSON.stringify(attributes)];
  }
}

export function* readings(from: number, until: number): Generator<Row> {
  const random = new Random(from / microsPerDay);
  for (let round = from; round < until; round += roundMicros) {
    const noon = 1 - Math.abs((round % microsPerDay) / (microsPerDay / 2) - 1); // 0 at midnight, 1 at noon
    for (let index = 0; index < seriesCount; index++) {
      const instant = round + index * slotMicros + random.below(slotMicros);
      const chance = random.below(1000);
      if (chance < 30) continue; // a gap
      yield [
        at(seriesNames, index),
        timestampText(instant),
        chance < 40 ? null : value(index, instant, noon, random),
        chance >= 900 ? random.pick(readingAttributes) : null,
      ];
    }
  }
}

/** Returns thousandths, with sums and products only: the last digit of Math.sin may differ between machines. */
function value(index: number, instant: number, noon: number, random: Random): number | string {
  if (index === probeIndex) return at(awkwardValues, Math.floor(instant / roundMicros));
  const { middle, swing } = at(sensors, index);
  return (
    Math.round((middle + swing * (noon - 0.5 + (random.below(1001) - 500) / 1000)) * 1000) / 1000
  );
}
