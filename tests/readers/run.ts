import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { repoRoot } from '../../infra/local/home/home.ts';
import { interpreterOf, type PythonTool } from '../../infra/local/install/python.ts';
import { manifestSchema } from '../../lib/contracts/export-document.ts';
import { asDemo, call, createExport, download, ended } from '../support/api.ts';
import { installForTests } from '../support/python-tool.ts';
import { columns, createTable, dropTable, referenceLines, schema } from './table.ts';

/**
 * `npm run test:readers`, with a running stack: exports a table of edge cases and opens the files with independent
 * readers. Each value must equal PostgreSQL's, and a filter that is pushed down to the file must count as many rows
 * as over all rows in memory.
 */
const readersTool: PythonTool = {
  name: 'readers',
  requirements: join(repoRoot, 'tests/readers/requirements.lock.txt'),
};
const minutes = 60;

const few = ['id', 'price', 'word'];
const csv = { delimiter: ';', decimal: ',', nullText: '(null)', quote: 'all', newline: 'crlf' };
const files: Record<string, object> = {
  'native.parquet': { format: 'parquet' },
  'portable.parquet': { format: 'parquet', parquetTypes: 'portable', compression: 'snappy' },
  'plain.csv': { format: 'csv', columns: few },
  'options.csv': { format: 'csv', columns: few, csv },
  'rows.ndjson': { format: 'ndjson', columns: few },
  'book.xlsx': { format: 'xlsx', columns: few },
  'units.csv.gz': {
    format: 'csv',
    dataset: `${schema}.units`,
    compression: 'gzip',
    consistency: 'resumable',
  },
  'units.csv.zst': {
    format: 'csv',
    dataset: `${schema}.units`,
    compression: 'zstd',
    consistency: 'resumable',
  },
};

async function fetchTo(directory: string, name: string, more: object): Promise<void> {
  const exportRequest = { sources: ['sales'], dataset: `${schema}.hostile`, ...more };
  const document = await ended((await createExport(exportRequest)).id, 5 * minutes);
  if (document.status !== 'ready') throw new Error(`${name}: ${document.error?.message}`);
  await writeFile(join(directory, name), (await download(document.id)).bytes);
  if (document.request.consistency === 'snapshot') return;
  const answer = await call('GET', `/exports/${document.id}/manifest`, { headers: asDemo });
  const { sources } = answer.json(manifestSchema);
  if ((sources[0]?.units?.length ?? 0) < 2)
    throw new Error(`${name} has one unit; it must have at least two`);
}

const resultSchema = z.object({
  reader: z.string(),
  what: z.string(),
  checked: z.int(),
  wrong: z.array(z.string()),
});

/** Runs the readers and prints the result of each check. Returns the number of wrong values. */
async function check(directory: string): Promise<number> {
  const child = spawn(
    interpreterOf(readersTool),
    [join(repoRoot, 'tests/readers/check.py'), directory],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 30 * minutes * 1_000,
    },
  );
  const closed = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  let wrong = 0;
  for await (const line of createInterface(child.stdout)) {
    const result = resultSchema.parse(JSON.parse(line));
    wrong += result.wrong.length;
    console.log(
      `${result.wrong.length === 0 ? 'ok  ' : 'FAIL'} ${result.reader}, ${result.what}: ${result.checked} checked`,
    );
    for (const it of result.wrong) console.log(`     ${it}`);
  }
  const code = await closed;
  if (code !== 0) throw new Error(`check.py ended with exit code ${code}`);
  return wrong;
}

await installForTests(readersTool, 15 * minutes);
const directory = await mkdtemp(join(tmpdir(), 'streamsync-readers-'));
try {
  await createTable();
  await Promise.all(Object.entries(files).map(([name, more]) => fetchTo(directory, name, more)));
  await writeFile(join(directory, 'columns.json'), JSON.stringify(columns));
  await writeFile(join(directory, 'truth.ndjson'), await referenceLines());
  const wrong = await check(directory);
  console.log(wrong === 0 ? 'every reader reads the exported values' : `${wrong} checks failed`);
  process.exitCode = wrong === 0 ? 0 : 1;
} finally {
  await dropTable();
  await rm(directory, { recursive: true });
}
