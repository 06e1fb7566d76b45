import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { median } from './measure.ts';

const run = promisify(execFile);

const measureSchema = z.object({
  rows: z.int(),
  bytes: z.int(),
  seconds: z.number(),
  cpuSeconds: z.number(),
  megabytes: z.number(),
});

/** Exports the table in a process of its own, with the memory settings of a worker, into a sink that only counts. */
export async function measureSink(request: object): Promise<z.infer<typeof measureSchema>> {
  const { stdout } = await run(
    process.execPath,
    [
      '--expose-gc',
      '--max-semi-space-size=2',
      join(import.meta.dirname, 'sink.ts'),
      JSON.stringify(request),
    ],
    {
      env: {
        ...process.env,
        MALLOC_ARENA_MAX: '1',
        MALLOC_MMAP_THRESHOLD_: '131072',
        MALLOC_TRIM_THRESHOLD_: '131072',
      },
    },
  );
  return measureSchema.parse(JSON.parse(stdout));
}

/** `npm run bench -- cpu`: the CPU time of a worker, which other load on the machine changes less than its seconds. */
export async function measureCpu(
  cases: readonly { name: string; request: object }[],
  rounds: number,
): Promise<void> {
  const measured = cases.map(({ name, request }) => ({
    name,
    request,
    cpu: new Array<number>(),
    peak: 0,
  }));
  for (let round = 0; round < rounds; round++)
    for (const it of measured) {
      const { cpuSeconds, megabytes } = await measureSink(it.request);
      it.cpu.push(cpuSeconds);
      it.peak = Math.max(it.peak, megabytes);
    }
  for (const { name, cpu, peak } of measured)
    console.log(
      `${name}, into a sink: ${median(cpu).toFixed(2)} s of CPU (rounds ${cpu.map((it) => it.toFixed(2)).join(' ')}), at most ${peak.toFixed(0)} MB`,
    );
}
