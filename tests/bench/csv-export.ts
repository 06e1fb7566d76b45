import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { asDemo, call, createExport, ended } from '../stack/api.ts';
import { sourceUrl } from '../stack/stack.ts';

/**
 * `npm run bench`, beside a stack that runs: seconds of an export (asked for until ready) over seconds
 * of `psql \copy` of the same rows, one after the other, medians. Single figures say little on a shared
 * machine; the ratio says how close an export is to as fast as PostgreSQL can speak.
 */
const run = promisify(execFile);
const rounds = 7;

const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
};

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const psqlCopy = (source: string, table: string) =>
  run(
    'psql',
    [
      sourceUrl(source),
      '-X',
      '-q',
      '-c',
      `\\copy (select * from ${table}) to /dev/null csv header`,
    ],
    {
      timeout: 120_000,
    },
  );

for (const [source, dataset] of [
  ['sales', 'orders'],
  ['sales', 'order_items'],
  ['iot', 'readings'],
] as const) {
  const [copies, exports]: [number[], number[]] = [[], []];
  let bytes = 0;
  for (let round = 0; round < rounds; round++) {
    copies.push(await seconds(() => psqlCopy(source, dataset)));
    let id = '';
    exports.push(
      await seconds(async () => {
        ({ id } = await createExport({ sources: [source], dataset, format: 'csv' }));
        bytes = (await ended(id)).file?.bytes ?? 0;
      }),
    );
    await call('DELETE', `/exports/${id}`, { headers: asDemo });
  }
  const [copy, made] = [median(copies), median(exports)];
  console.log(
    `${source}.${dataset}: ${(bytes / 1e6).toFixed(1)} MB; psql \\copy ${copy.toFixed(2)} s, ` +
      `export ${made.toFixed(2)} s, ratio ${(made / copy).toFixed(2)}`,
  );
}
