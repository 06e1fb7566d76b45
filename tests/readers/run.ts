import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { REPO } from '../../infra/local/home.ts';
import { interpreterOf, type PythonPart } from '../../infra/local/parts/python.ts';
import { manifestSchema } from '../../lib/contracts/export-document.ts';
import { asDemo, call, createExport, download, ended } from '../stack/api.ts';
import { installForTests } from '../stack/python-part.ts';
import { columns, createTable, dropTable, schema, truth } from './table.ts';

/**
 * `npm run test:readers`, beside a stack that runs: exports a table that is hard on readers, and has readers that
 * are not ours open the files: every value is that of PostgreSQL, and a filter that is pushed down to the file counts
 * as many rows as over all rows in memory.
 */
const part: PythonPart = {
  name: 'readers',
  requirements: join(REPO, 'tests/readers/requirements.lock.txt'),
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
  const asked = { sources: ['sales'], dataset: `${schema}.hostile`, ...more };
  const document = await ended((await createExport(asked)).id, 5 * minutes);
  if (document.status !== 'ready') throw new Error(`${name}: ${document.error?.message}`);
  await writeFile(join(directory, name), (await download(document.id)).bytes);
  if (document.request.consistency === 'snapshot') return;
  const answer = await call('GET', `/exports/${document.id}/manifest`, { headers: asDemo });
  const { sources } = answer.json(manifestSchema);
  if ((sources[0]?.units?.length ?? 0) < 2) throw new Error(`${name} was read in one unit`);
}

const saidSchema = z.object({
  reader: z.string(),
  what: z.string(),
  checked: z.int(),
  wrong: z.array(z.string()),
});

/** Runs the readers, and tells what each has of what; returns how many of their checks are wrong. */
async function check(directory: string): Promise<number> {
  const child = spawn(interpreterOf(part), [join(REPO, 'tests/readers/check.py'), directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 30 * minutes * 1_000,
  });
  const closed = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  let wrong = 0;
  for await (const line of createInterface(child.stdout)) {
    const said = saidSchema.parse(JSON.parse(line));
    wrong += said.wrong.length;
    console.log(
      `${said.wrong.length === 0 ? 'ok  ' : 'FAIL'} ${said.reader}, ${said.what}: ${said.checked} checked`,
    );
    for (const it of said.wrong) console.log(`     ${it}`);
  }
  const code = await closed;
  if (code !== 0) throw new Error(`the readers ended with ${code}`);
  return wrong;
}

await installForTests(part, 15 * minutes);
const directory = await mkdtemp(join(tmpdir(), 'streamsync-readers-'));
try {
  await createTable();
  await Promise.all(Object.entries(files).map(([name, more]) => fetchTo(directory, name, more)));
  await writeFile(join(directory, 'columns.json'), JSON.stringify(columns));
  await writeFile(join(directory, 'truth.ndjson'), await truth());
  const wrong = await check(directory);
  console.log(wrong === 0 ? 'every reader has what was exported' : `${wrong} are wrong`);
  process.exitCode = wrong === 0 ? 0 : 1;
} finally {
  await dropTable();
  await rm(directory, { recursive: true });
}
