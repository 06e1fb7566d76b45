/**
 * The memory of a process, as the kernel counts it. Lambda ends an instance that needs more than its `memorySize`; V8's
 * own limit is for its heap only, and a process may have much more in buffers.
 */
import { readFileSync } from 'node:fs';

const sampleMs = 250;

/** The options by which Lambda's bootstrap limits the heap of V8. */
export const heapOptions = (memoryMb: number): string[] => [
  `--max-old-space-size=${Math.floor(memoryMb * 0.9)}`,
];

/** Returns the resident memory of a process in MB, 0 if it has ended or the system has no /proc. */
function residentMb(pid: number): number {
  try {
    const [, kilobytes] =
      /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Math.ceil(Number(kilobytes ?? 0) / 1024);
  } catch {
    return 0;
  }
}

/** Calls `onExceeded` once with the MB of a process when they are more than `memoryMb`. Returns what ends the watch. */
export function watchMemory(
  pid: number,
  memoryMb: number,
  onExceeded: (usedMb: number) => void,
): () => void {
  const timer = setInterval(() => {
    const usedMb = residentMb(pid);
    if (usedMb <= memoryMb) return;
    clearInterval(timer);
    onExceeded(usedMb);
  }, sampleMs);
  timer.unref();
  return () => clearInterval(timer);
}
