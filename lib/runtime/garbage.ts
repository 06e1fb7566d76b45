import { getHeapStatistics } from 'node:v8';

/** How much may pile up before it is looked for. */
const mostGarbage = 16 * 1_024 * 1_024;

let lowest = Number.POSITIVE_INFINITY;

/**
 * To be called now and then by whoever makes buffers in numbers. V8 does not look for those that nobody has any
 * more before they have come to 64 MB in a thread; where it may be asked (`--expose-gc`), it is asked sooner.
 */
export function boundGarbage(): void {
  const outside = getHeapStatistics().external_memory;
  lowest = Math.min(lowest, outside);
  if (outside < lowest + mostGarbage) return;
  globalThis.gc?.();
  lowest = getHeapStatistics().external_memory;
}
