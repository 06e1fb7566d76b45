import type { Queue } from './model.ts';

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

/**
 * Simulates exports that come one by one at random and take a slot each, in order. Their times are log-normal: few long
 * ones among many short ones. Returns the mean seconds for which they waited, and the longest wait of 95 %.
 */
export function simulate(
  { perSecond, seconds, variation, slots }: Queue,
  { exports, seed }: { exports: number; seed: number },
): { mean: number; p95: number } {
  const random = randomOf(seed);
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
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
