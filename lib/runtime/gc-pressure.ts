import { getHeapStatistics } from 'node:v8';
import { memoryBudget } from './memory-budget.ts';

/** Growth of external memory that triggers a collection. */
const maxExternalBytes = memoryBudget.garbage.bytes;

let baselineBytes = Number.POSITIVE_INFINITY;

/**
 * Collects garbage after 16 MB of new external memory, if the process runs with `--expose-gc`. Code that allocates many
 * buffers calls it regularly: V8 itself collects unreachable external buffers only after about 64 MB per thread.
 */
export function collectGarbageIfNeeded(): void {
  const externalBytes = getHeapStatistics().external_memory;
  baselineBytes = Math.min(baselineBytes, externalBytes);
  if (externalBytes < baselineBytes + maxExternalBytes) return;
  globalThis.gc?.();
  baselineBytes = getHeapStatistics().external_memory;
}
