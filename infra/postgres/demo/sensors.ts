import { at } from './random.ts';

/** The kinds of sensors of the demo's plant. Most of their values lie between `middle` - `swing` and `middle` + `swing`. */
const sensorKinds = [
  { kind: 'pump', unit: 'bar', middle: 6, swing: 1.5 },
  { kind: 'boiler', unit: '°C', middle: 71, swing: 9 },
  { kind: 'meter', unit: 'kW', middle: 240, swing: 180 },
  { kind: 'valve', unit: '%', middle: 50, swing: 45 },
  { kind: 'fan', unit: 'rpm', middle: 1450, swing: 220 },
  { kind: 'tank', unit: 'm³', middle: 18, swing: 12 },
] as const;

export const sensorKindCount = sensorKinds.length;

interface Sensor {
  /** The name of its series. */
  name: string;
  kind: (typeof sensorKinds)[number]['kind'];
  unit: string;
  middle: number;
  swing: number;
}

/** Returns a sensor of the plant: pump-1, boiler-1, meter-1, …, pump-2, … */
export function sensorOf(index: number): Sensor {
  const sensorKind = at(sensorKinds, index);
  return { ...sensorKind, name: `${sensorKind.kind}-${Math.floor(index / sensorKindCount) + 1}` };
}
