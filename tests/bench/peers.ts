import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { StackError } from '../../infra/local/errors.ts';
import { interpreterOf, type PythonTool } from '../../infra/local/install/python.ts';
import { errorMessage } from '../../lib/runtime/errors.ts';
import { installForTests } from '../support/python-tool.ts';
import { sourceUrl } from '../support/stack.ts';
import { dataset, maxRows } from './table.ts';

/**
 * Other programs that write a table of PostgreSQL as Parquet with zstd, to a local file. They are no dependencies: their
 * packages are installed into an environment of their own. Each copies the table in a process of its own; what they load
 * and that they connect is not in their time.
 */
const run = promisify(execFile);

const peersTool: PythonTool = {
  name: 'bench-peers',
  requirements: join(import.meta.dirname, 'requirements.lock.txt'),
};

const measuredSchema = z.object({
  seconds: z.number(),
  cpuSeconds: z.number(),
  megabytes: z.number(),
  rows: z.literal(maxRows),
  bytes: z.int(),
});
export type MeasuredPeer = z.infer<typeof measuredSchema>;

const names = {
  duckdb: 'DuckDB',
  'duckdb-v2': 'DuckDB, PARQUET_VERSION V2',
  connectorx: 'connectorx, pyarrow',
  adbc: 'ADBC, pyarrow',
} as const;
export type Peer = keyof typeof names;

export const nameOf = (peer: Peer): string => names[peer];

/**
 * Returns DuckDB's reader of PostgreSQL, a package of Python with the same file that `install postgres` gets from DuckDB's
 * server.
 */
function duckdbExtension(): string {
  const [path] = globSync(
    join(
      dirname(dirname(interpreterOf(peersTool))),
      'lib/python*/site-packages/duckdb_extension_postgres_scanner/extensions/*/*.duckdb_extension',
    ),
  );
  if (path === undefined) throw new Error('the extension of DuckDB is not installed');
  return path;
}

/** Returns the program that copies with a peer, and its first arguments. */
function programOf(peer: Peer): [string, ...string[]] {
  const ofDuckdb = (options: string): [string, ...string[]] => [
    process.execPath,
    join(import.meta.dirname, 'duckdb-copy.ts'),
    duckdbExtension(),
    options,
  ];
  if (peer === 'duckdb') return ofDuckdb('');
  if (peer === 'duckdb-v2') return ofDuckdb(', parquet_version v2');
  return [interpreterOf(peersTool), join(import.meta.dirname, 'peers.py'), peer];
}

const firstLine = (text: string): string => text.trim().split('\n', 1).join('');

/** Returns the peers that can be installed here, after a copy with each. Says in a line why others are left out. */
export async function usablePeers(): Promise<Peer[]> {
  try {
    await installForTests(peersTool, 600);
  } catch (error) {
    const details = error instanceof StackError ? error.details : [];
    const reason = details.findLast((line) => line.startsWith('ERROR:'));
    console.log(`peers cannot be installed: ${reason ?? firstLine(errorMessage(error))}`);
    return [];
  }
  const usable: Peer[] = [];
  for (const peer of ['duckdb', 'duckdb-v2', 'connectorx', 'adbc'] as const) {
    try {
      await measurePeer(peer);
      usable.push(peer);
    } catch (error) {
      console.log(`${nameOf(peer)} is left out: ${reasonOf(error)}`);
    }
  }
  return usable;
}

const failedSchema = z.object({ stderr: z.string() });

/** Returns the line with the exception with which a program failed. */
function reasonOf(error: unknown): string {
  const { data } = failedSchema.safeParse(error);
  const exception = data?.stderr.split('\n').findLast((line) => /^[\w.]+: /.test(line));
  return exception ?? firstLine(errorMessage(error));
}

export async function measurePeer(peer: Peer): Promise<MeasuredPeer> {
  const file = join(tmpdir(), `bench-${process.pid}.parquet`);
  try {
    const [program, ...first] = programOf(peer);
    const { stdout } = await run(program, [...first, sourceUrl('sales'), dataset, file], {
      timeout: 300_000,
    });
    return measuredSchema.parse(JSON.parse(stdout));
  } finally {
    await rm(file, { force: true });
  }
}
