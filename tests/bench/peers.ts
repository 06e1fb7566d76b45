import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
const script = join(import.meta.dirname, 'peers.py');

const measuredSchema = z.object({
  seconds: z.number(),
  cpuSeconds: z.number(),
  megabytes: z.number(),
  rows: z.literal(maxRows),
  bytes: z.int(),
});
export type MeasuredPeer = z.infer<typeof measuredSchema>;

/** The arguments of peers.py, by what they measure. */
const names = {
  duckdb: 'DuckDB',
  'duckdb-v2': 'DuckDB, PARQUET_VERSION V2',
  connectorx: 'connectorx, pyarrow',
  adbc: 'ADBC, pyarrow',
} as const;
export type Peer = keyof typeof names;

export const nameOf = (peer: Peer): string => names[peer];

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

/** Returns the line with the exception with which a Python program failed. */
function reasonOf(error: unknown): string {
  const { data } = failedSchema.safeParse(error);
  const exception = data?.stderr.split('\n').findLast((line) => /^[\w.]+: /.test(line));
  return exception ?? firstLine(errorMessage(error));
}

export async function measurePeer(peer: Peer): Promise<MeasuredPeer> {
  const file = join(tmpdir(), `bench-${process.pid}.parquet`);
  try {
    const { stdout } = await run(
      interpreterOf(peersTool),
      [script, peer, sourceUrl('sales'), dataset, file],
      { timeout: 300_000 },
    );
    return measuredSchema.parse(JSON.parse(stdout));
  } finally {
    await rm(file, { force: true });
  }
}
