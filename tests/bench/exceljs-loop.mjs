import { createRequire } from 'node:module';
import { join } from 'node:path';
import pg from 'pg';

/**
 * `node exceljs-loop.mjs <folder of exceljs> <url> <query> <file>`: the usual loop with exceljs, a cursor into its
 * streaming writer. Prints the seconds.
 */
const [folder = '', url = '', query = '', file = ''] = process.argv.slice(2);
const { default: ExcelJS } = await import(
  createRequire(join(folder, 'package.json')).resolve('exceljs')
);
const startedAt = performance.now();
const client = new pg.Client({ connectionString: url });
await client.connect();
const workbook = new ExcelJS.stream.xlsx.WorkbookWriter({ filename: file });
const sheet = workbook.addWorksheet('Sheet1');
await client.query('begin');
await client.query(`declare all_rows cursor for ${query}`);
let header = true;
for (;;) {
  const { rows, fields } = await client.query({
    text: 'fetch 5000 from all_rows',
    rowMode: 'array',
  });
  if (header) sheet.addRow(fields.map(({ name }) => name)).commit();
  header = false;
  if (rows.length === 0) break;
  for (const row of rows) {
    const cells = row.map((value) =>
      typeof value === 'object' && value !== null && !(value instanceof Date)
        ? JSON.stringify(value)
        : value,
    );
    sheet.addRow(cells).commit();
  }
}
sheet.commit();
await workbook.commit();
await client.end();
console.log((performance.now() - startedAt) / 1_000);
