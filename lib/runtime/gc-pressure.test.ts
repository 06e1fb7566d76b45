import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

/** A process makes 400 buffers of 1 MB, of which it keeps none, and says how much it had of them at most. */
async function most(call: string, ...flags: string[]): Promise<number> {
  const script = `
    import { boundGarbage } from ${JSON.stringify(join(import.meta.dirname, 'garbage.ts'))};
    let most = 0;
    for (let n = 0; n < 400; n++) {
      Buffer.allocUnsafeSlow(1e6);
      ${call};
      most = Math.max(most, process.memoryUsage().arrayBuffers);
      await new Promise(setImmediate);
    }
    console.log(most / 1e6)`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...flags, '--input-type=module', '--eval', script],
    { timeout: 60_000 },
  );
  return Number(stdout);
}

test('buffers that nobody has any more do not pile up', async () => {
  const [left, bounded] = await Promise.all([
    most('', '--expose-gc'),
    most('boundGarbage()', '--expose-gc'),
  ]);
  expect(bounded).toBeLessThan(50);
  expect(left).toBeGreaterThan(60);
});

test('where it may not be asked for, nothing is', async () => {
  expect(await most('boundGarbage()')).toBeGreaterThan(60);
});
