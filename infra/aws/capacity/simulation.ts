import type { Queue } from './model.ts';
import type { Machines, UnitWork } from './units.ts';

/** A generator of numbers from 0 to 1 that gives the same ones for a seed: mulberry32, by Tommy Ettinger. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns numbers with a mean of 0 and a deviation of 1: Box and Muller. */
const normalOf = (random: () => number) => (): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/**
 * Simulates exports that come one by one at random and take a slot each, in order. Their times are log-normal: few long
 * ones among many short ones. Returns the mean seconds for which they waited, and the longest wait of 95 %.
 */
export function simulate(
  { perSecond, seconds, variation, slots }: Queue,
  { exports, seed }: { exports: number; seed: number },
): { mean: number; p95: number } {
  const random = randomOf(seed);
  const normal = normalOf(random);
  const sigma = Math.sqrt(Math.log(1 + variation ** 2));
  const mu = Math.log(seconds) - sigma ** 2 / 2;
  const freeAt = Array<number>(slots).fill(0);
  const waits: number[] = [];
  let now = 0;
  for (let n = 0; n < exports; n++) {
    now -= Math.log(1 - random()) / perSecond;
    const first = freeAt.indexOf(Math.min(...freeAt));
    const start = Math.max(now, freeAt[first] ?? 0);
    freeAt[first] = start + Math.exp(mu + sigma * normal());
    waits.push(start - now);
  }
  const sorted = waits.toSorted((a, b) => a - b);
  return {
    mean: waits.reduce((sum, wait) => sum + wait, 0) / exports,
    p95: sorted[Math.floor(exports * 0.95)] ?? 0,
  };
}

/**
 * Simulates the units of a resumable export, of which `slots` run at a time and share the cores: returns the seconds until
 * the last of them ends. Their sizes have a deviation, because their bounds come from a sample of the rows.
 */
export function simulateUnits(
  { slots, cores, shared }: Machines,
  { source, worker }: UnitWork,
  { units, deviation, seed }: { units: number; deviation: number; seed: number },
): number {
  const normal = normalOf(randomOf(seed));
  const waiting = Array.from({ length: units }, () => Math.max(0.1, 1 + deviation * normal()));
  const demand = shared ? source + worker : source;
  let running: number[] = [];
  let now = 0;
  for (;;) {
    running.push(...waiting.splice(0, slots - running.length));
    if (running.length === 0) return now;
    // Units a second of each that runs, until the next of them ends.
    const rate = Math.min(1 / Math.max(source, worker), cores / (running.length * demand));
    const next = Math.min(...running);
    now += next / rate;
    running = running.map((left) => left - next).filter((left) => left > 0);
  }
}
