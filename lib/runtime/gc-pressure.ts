import { getHeapStatistics } from 'node:v8';
import { memoryBudget } from './memory-budget.ts';

/** Growth of external memory that triggers a collection. */
const maxExternalBytes = memoryBudget.garbage.bytes;
/** Growth that triggers one of the young generation, which takes a millisecond; most buffers are in use only briefly. */
const maxYoungBytes = maxExternalBytes / 4;

let baselineBytes = Number.POSITIVE_INFINITY;
let youngBaselineBytes = Number.POSITIVE_INFINITY;

/**
 * Collects garbage after 16 MB of new external memory, and that of the young generation after 4 MB, if the process runs
 * with `--expose-gc`. Code that allocates many buffers calls it regularly: V8 itself collects unreachable external buffers
 * only after about 64 MB per thread.
 */
export function collectGarbageIfNeeded(): void {
  let bytes = externalBytes();
  youngBaselineBytes = Math.min(youngBaselineBytes, bytes);
  baselineBytes = Math.min(baselineBytes, bytes);
  if (bytes < youngBaselineBytes + maxYoungBytes) return;
  globalThis.gc?.({ type: 'minor' });
  bytes = externalBytes();
  youngBaselineBytes = bytes;
  if (bytes >= baselineBytes + maxExternalBytes) collectGarbage();
}

/** Collects the garbage of work that has ended, if it had more than a few buffers: the next work begins without them. */
export function collectGarbageOfEndedWork(): void {
  if (externalBytes() >= baselineBytes + maxYoungBytes) collectGarbage();
}

function collectGarbage(): void {
  globalThis.gc?.();
  baselineBytes = externalBytes();
  youngBaselineBytes = baselineBytes;
}

const externalBytes = (): number => getHeapStatistics().external_memory;
