// A plant's sensors: every series reports once in 40 minutes for the last 60 days of 2025, now and then not.
// Readings come in the order of their instants, no two at the same one.

import { type Row } from './csv.ts';
import { at, Random } from './random.ts';
import { type Demo } from './table.ts';
import { DAY, SECOND, startOf, timestampText } from './time.ts';

const KINDS = [
  { kind: 'pump', unit: 'bar', middle: 6, swing: 1.5 },
  { kind: 'boiler', unit: '°C', middle: 71, swing: 9 },
  { kind: 'meter', unit: 'kW', middle: 240, swing: 180 },
  { kind: 'valve', unit: '%', middle: 50, swing: 45 },
  { kind: 'fan', unit: 'rpm', middle: 1450, swing: 220 },
  { kind: 'tank', unit: 'm³', middle: 18, swing: 12 },
] as const;
const SITES = ['Hamburg', 'Łódź', 'Rotterdam', 'Vác, north hall'] as const;
const SERIES_PER_KIND = 40;
const SERIES = KINDS.length * SERIES_PER_KIND;

const START = startOf('2025-11-02');
const END = startOf('2026-01-01');
const ROUND = 2400 * SECOND;
const SLOT = ROUND / SERIES; // each series reports in a slot of its own within the round

/** The last series is a probe under test: it reports, in turn, the doubles that readers get wrong. */
const PROBE = SERIES - 1;
const AWKWARD_VALUES = [
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

const READING_ATTRIBUTES = [
  '{"quality": "good", "battery": 87}',
  '{"quality": "uncertain", "battery": 12.50}',
  '{"quality": "bad", "reason": "out of range, \\"high\\""}',
  '{"firmware": {"version": "2.4.1", "flags": [1, null, true]}}',
  '{"serial": 12345678901234567890}',
  '{}',
] as const;

const NAMES = Array.from({ length: SERIES }, (_, index) =>
  index === PROBE ? 'probe-1' : `${at(KINDS, index).kind}-${Math.floor(index / KINDS.length) + 1}`,
);

const READING_COLUMNS = ['series', 'at', 'value', 'attributes'];

export const iot: Demo = {
  database: 'iot',
  tables: [
    { name: 'series', columns: ['series', 'unit', 'site', 'attributes'], rows: series },
    // Straight into the partitions: COPY FREEZE refuses a partitioned table.
    {
      name: 'readings_2025_11',
      columns: READING_COLUMNS,
      rows: () => readings(START, startOf('2025-12-01')),
    },
    {
      name: 'readings_2025_12',
      columns: READING_COLUMNS,
      rows: () => readings(startOf('2025-12-01'), END),
    },
  ],
};

function* series(): Generator<Row> {
  for (const [index, name] of NAMES.entries()) {
    const { unit, middle, swing } = at(KINDS, index);
    const random = new Random(index);
    const attributes = {
      model: `M${100 + random.below(900)}`,
      line: 1 + random.below(8),
      limits: { low: middle - swing, high: middle + swing },
    };
    yield [name, unit, at(SITES, Math.floor(index / KINDS.length)), JSON.stringify(attributes)];
  }
}

export function* readings(from: number, until: number): Generator<Row> {
  const random = new Random(from / DAY);
  for (let round = from; round < until; round += ROUND) {
    const noon = 1 - Math.abs((round % DAY) / (DAY / 2) - 1); // 0 at midnight, 1 at noon
    for (let index = 0; index < SERIES; index++) {
      const instant = round + index * SLOT + random.below(SLOT);
      const chance = random.below(1000);
      if (chance < 30) continue; // a gap
      yield [
        at(NAMES, index),
        timestampText(instant),
        chance < 40 ? null : value(index, instant, noon, random),
        chance >= 900 ? random.pick(READING_ATTRIBUTES) : null,
      ];
    }
  }
}

/** Thousandths, from sums and products alone: Math.sin may differ between machines in the last digit. */
function value(index: number, instant: number, noon: number, random: Random): number | string {
  if (index === PROBE) return at(AWKWARD_VALUES, Math.floor(instant / ROUND));
  const { middle, swing } = at(KINDS, index);
  return (
    Math.round((middle + swing * (noon - 0.5 + (random.below(1001) - 500) / 1000)) * 1000) / 1000
  );
}
