import { readFile, writeFile } from 'node:fs/promises';
import { readStack, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** Restarts the functions, so that memory of one format does not count for the next. */
export async function restartFunctions(): Promise<void> {
  const workers = async () =>
    (await readStack()).processes.filter(({ name }) => name.startsWith('export-worker'));
  const before = (await workers()).map(({ pid }) => pid);
  process.kill((await readStack()).pid, 'SIGUSR2');
  await waitFor('the functions have restarted', async () => {
    const now = await workers();
    const answers = await fetch(`${stack.api}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    const isNew = now.length > 0 && now.every(({ pid }) => !before.includes(pid));
    return isNew && answers ? true : undefined;
  });
}

/** Resets the peak memory of the workers, which `peakMegabytes` returns. */
export async function forgetPeaks(): Promise<void> {
  for (const { name, pid } of (await readStack()).processes)
    if (name.startsWith('export-worker')) await writeFile(`/proc/${pid}/clear_refs`, '5');
}
export async function peakMegabytes(): Promise<number> {
  const peaks = [];
  for (const { name, pid } of (await readStack()).processes) {
    if (!name.startsWith('export-worker')) continue;
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    peaks.push(Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024);
  }
  return Math.max(...peaks);
}
