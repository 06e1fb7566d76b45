import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sourceUrl } from '../support/stack.ts';
import { median } from './measure.ts';
import { measureExport } from './measure-export.ts';
import { dataset, firstRows, maxRows } from './table.ts';

const run = promisify(execFile);
const exceljs = join(process.cwd(), '.parts', 'bench');

/** exceljs is no dependency: it conflicts with others, and has had no release for years. */
async function installExceljs(): Promise<void> {
  await mkdir(exceljs, { recursive: true });
  const manifest = { private: true, overrides: { traverse: '0.3.9' } };
  await writeFile(join(exceljs, 'package.json'), JSON.stringify(manifest));
  await run('npm', ['install', '--no-audit', '--no-fund', 'exceljs@4.4.0'], { cwd: exceljs });
}

/** Compares a workbook of half of the rows with a plain loop around exceljs. */
export async function compareWorkbooks(): Promise<void> {
  await installExceljs();
  const rows = maxRows / 2;
  const file = join(tmpdir(), `bench-${process.pid}.xlsx`);
  const query = `select * from ${dataset} limit ${rows}`;
  const script = join(import.meta.dirname, 'exceljs-loop.mjs');
  const ratios: number[] = [];
  for (let round = 0; round < 3; round++) {
    const { stdout } = await run(process.execPath, [
      script,
      exceljs,
      sourceUrl('sales'),
      query,
      file,
    ]);
    const bare = Number(stdout);
    const { seconds } = await measureExport({ format: 'xlsx', where: firstRows(rows) });
    ratios.push(seconds / bare);
    console.log(
      `xlsx, ${rows} rows: ${seconds.toFixed(1)} s, exceljs ${bare.toFixed(1)} s, ` +
        `${Math.round(rows / seconds / 1_000)} thousand rows/s`,
    );
  }
  await rm(file, { force: true });
  console.log(`xlsx: ${median(ratios).toFixed(2)} × exceljs (at most 0.35)`);
}
