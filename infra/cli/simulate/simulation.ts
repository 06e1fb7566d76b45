import { at, Random } from '../../postgres/demo/random.ts';
import { sensorOf } from '../../postgres/demo/sensors.ts';
import {
  microsPerDay,
  microsPerHour,
  microsPerSecond,
  timestampText,
} from '../../postgres/demo/time.ts';
import type { SimulationOptions } from './options.ts';

/** What a producer sends at one moment. */
interface SimulatedRecord {
  series: string;
  /** JSON of a reading, or what ingest has to reject. */
  value: string;
  kind: 'good' | 'late' | 'bad';
}

type Sensor = ReturnType<typeof sensorOf>;

const maxLateMicros = microsPerHour;
/** With gaps, a series is silent in one of ten times of this length. */
const gapMicros = 300 * microsPerSecond;
/** A valve moves at most once in this time. */
const valveMicros = 600 * microsPerSecond;

/**
 * The readings of the sensors of a plant. They depend on the seed and their times alone, so that a simulation that is
 * stopped and started again goes on with the same curves.
 */
export class Simulation {
  readonly #options: Pick<SimulationOptions, 'seed' | 'gaps' | 'late' | 'bad'>;
  readonly #sensors: readonly Sensor[];

  constructor(options: Pick<SimulationOptions, 'series' | 'seed' | 'gaps' | 'late' | 'bad'>) {
    this.#options = options;
    this.#sensors = Array.from({ length: options.series }, (_, index) => sensorOf(index));
  }

  /**
   * Returns the record with this number, undefined if its series is silent. The series take turns.
   *
   * @param instant microseconds since 1970
   */
  record(number: number, instant: number): SimulatedRecord | undefined {
    const { seed, gaps, late, bad } = this.#options;
    const index = number % this.#sensors.length;
    const sensor = at(this.#sensors, index);
    if (gaps && randomOf(seed, index, Math.floor(instant / gapMicros)).below(10) === 0)
      return undefined;
    const random = randomOf(seed, index, instant);
    if (isWithin(bad, random))
      return { series: sensor.name, value: this.#badValue(sensor, instant, random), kind: 'bad' };
    const isLate = isWithin(late, random);
    const measuredAt = isLate ? instant - 1 - random.below(maxLateMicros) : instant;
    return {
      series: sensor.name,
      value: JSON.stringify(this.#reading(index, measuredAt)),
      kind: isLate ? 'late' : 'good',
    };
  }

  #reading(index: number, instant: number): object {
    const sensor = at(this.#sensors, index);
    const value = valueOf(sensor, this.#options.seed, index, instant);
    return { series: sensor.name, at: timestampText(instant), value, unit: sensor.unit };
  }

  /** Returns one of the faults that producers have. */
  #badValue(sensor: Sensor, instant: number, random: Random): string {
    const reading = { series: sensor.name, at: timestampText(instant), value: 0 };
    return random.pick([
      `{"series": "${sensor.name}", "at":`,
      JSON.stringify({ ...reading, value: 'n/a' }),
      JSON.stringify({ ...reading, at: 'yesterday' }),
      JSON.stringify({ series: sensor.name, at: reading.at }),
      JSON.stringify({ ...reading, at: timestampText(instant + microsPerDay) }),
      JSON.stringify([reading, { ...reading, series: `${sensor.name}-b` }]),
    ]);
  }
}

/** Returns a stream of numbers that these parts alone determine. */
function randomOf(...parts: readonly number[]): Random {
  let hash = 0x811c9dc5;
  for (const part of parts) {
    // Both halves of a number of up to 53 bits.
    for (const half of [part % 0x1_0000_0000, Math.floor(part / 0x1_0000_0000)])
      hash = Math.imul(hash ^ half, 0x01000193) ^ (hash >>> 15);
  }
  return new Random(hash);
}

const isWithin = (share: number, random: Random): boolean => random.below(1_000_000) < share * 1e6;

/** Returns the value of a sensor in thousandths: its curve over the day, and noise. */
function valueOf(sensor: Sensor, seed: number, index: number, instant: number): number {
  const { middle, swing } = sensor;
  const noise = (randomOf(seed, index, instant, 1).below(2_001) - 1_000) / 1_000;
  const shape = shapeOf(sensor.kind, seed, index, instant);
  return Math.round((middle + swing * (0.9 * shape + 0.05 * noise)) * 1_000) / 1_000;
}

/** Returns where a sensor is between its extremes, from -1 to 1. */
function shapeOf(kind: Sensor['kind'], seed: number, index: number, instant: number): number {
  // The waves of the sensors of a kind differ by minutes.
  const shifted = instant + (index % 97) * 60 * microsPerSecond;
  const dayWave = -Math.cos((2 * Math.PI * (shifted % microsPerDay)) / microsPerDay);
  const hourWave = Math.sin((2 * Math.PI * (shifted % microsPerHour)) / microsPerHour);
  switch (kind) {
    case 'valve':
      return randomOf(seed, index, Math.floor(shifted / valveMicros), 2).below(2_001) / 1_000 - 1;
    case 'tank': {
      // It fills in four hours and empties in two.
      const part = (shifted % (6 * microsPerHour)) / (6 * microsPerHour);
      return part < 2 / 3 ? 3 * part - 1 : 1 - 6 * (part - 2 / 3);
    }
    case 'boiler':
      return 0.8 * dayWave + 0.2 * hourWave;
    case 'meter':
      return 0.9 * dayWave + 0.1 * hourWave;
    case 'pump':
    case 'fan':
      return 0.6 * dayWave + 0.4 * hourWave;
    default:
      return kind satisfies never;
  }
}
