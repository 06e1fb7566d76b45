import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

/** Returns the peak buffer memory of a process that allocates 400 buffers of 1 MB and keeps none. */
async function peakMegabytes(call: string, ...flags: string[]): Promise<number> {
  const script = `
    import { collectGarbageIfNeeded } from ${JSON.stringify(join(import.meta.dirname, 'gc-pressure.ts'))};
    let peak = 0;
    for (let n = 0; n < 400; n++) {
      Buffer.allocUnsafeSlow(1e6);
      ${call};
      peak = Math.max(peak, process.memoryUsage().arrayBuffers);
      await new Promise(setImmediate);
    }
    console.log(peak / 1e6)`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...flags, '--input-type=module', '--eval', script],
    { timeout: 60_000 },
  );
  return Number(stdout);
}

test('collectGarbageIfNeeded bounds the memory of unreachable buffers', async () => {
  const [unbounded, bounded] = await Promise.all([
    peakMegabytes('', '--expose-gc'),
    peakMegabytes('collectGarbageIfNeeded()', '--expose-gc'),
  ]);
  expect(bounded).toBeLessThan(50);
  expect(unbounded).toBeGreaterThan(60);
});

test('collectGarbageIfNeeded has no effect without --expose-gc', async () => {
  expect(await peakMegabytes('collectGarbageIfNeeded()')).toBeGreaterThan(60);
});

test('collectGarbageOfEndedWork frees the buffers of work that has ended', async () => {
  const script = `
    import { collectGarbageIfNeeded, collectGarbageOfEndedWork } from ${JSON.stringify(join(import.meta.dirname, 'gc-pressure.ts'))};
    collectGarbageIfNeeded();
    let work = Array.from({ length: 10 }, () => Buffer.allocUnsafeSlow(1e6));
    const before = process.memoryUsage().arrayBuffers;
    work = undefined;
    collectGarbageOfEndedWork();
    // A thread of V8 frees the buffers. Without the call they would be there for about 700 ms.
    const freed = () => (before - process.memoryUsage().arrayBuffers) / 1e6;
    for (let n = 0; n < 20 && freed() < 8; n++) await new Promise((resolve) => setTimeout(resolve, 10));
    console.log(freed())`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', '--input-type=module', '--eval', script],
    { timeout: 60_000 },
  );
  expect(Number(stdout)).toBeGreaterThan(8);
});
