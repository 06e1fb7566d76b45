import { createHash } from 'node:crypto';
import { addAbortSignal } from 'node:stream';
import type pg from 'pg';
import copy from 'pg-copy-streams';
import { selectionFor } from '../exports/selection.ts';
import type { Format } from '../formats/format.ts';
import { formatOf } from '../formats/index.ts';
import type { Claim, Outcome } from '../scheduling/attempt.ts';
import type { Progress } from '../scheduling/lease.ts';
import { connectReader, endBackends } from '../sources/connection.ts';
import { countRowsWithoutTime, lockDataset, type Selection } from '../sources/query.ts';
import type { MultipartWriter } from '../storage/multipart.ts';
import { fileNameOf } from './file-name.ts';

/**
 * Reads the declared snapshot of one source and writes it, piece by piece, as it comes:
 * COPY → count, hash → multipart upload. The memory it needs does not depend on the size of the export;
 * when the storage is slow, `write` waits, the socket fills, and PostgreSQL waits.
 *
 * Complete means: the server says it sent n rows, we counted n rows in the bytes we hashed and wrote,
 * and the transaction ended well. Anything else throws.
 */
interface Reading {
  claim: Claim;
  writer: MultipartWriter;
  /** Kept current, for the heartbeat. */
  progress: Progress;
  signal: AbortSignal;
  statementTimeoutSeconds: number;
}

export async function readSnapshot(reading: Reading): Promise<Outcome> {
  const { claim, signal } = reading;
  const client = await connectReader(
    claim.source,
    claim.attemptId,
    reading.statementTimeoutSeconds,
  );
  let complete = false;
  try {
    const outcome = await read(client, reading);
    complete = true;
    return outcome;
  } finally {
    // Ended by a second connection: the server may be in the middle of a COPY, or of a long sort.
    if (!complete || signal.aborted) await endBackends(claim.source, claim.attemptId);
    await client.end();
  }
}

async function read(client: pg.Client, reading: Reading): Promise<Outcome> {
  const { claim } = reading;
  const { request, source } = claim;
  const format = formatOf(request.format);
  const snapshot = await beginSnapshot(client, claim);
  const { selection } = snapshot;
  const rowsWithoutTime = await withoutTime(client, selection);
  const { rows, bytes, sha256 } = await copyOut(client, selection, format, reading);
  const name = fileNameOf(request, claim.exportId, format.extension);
  return {
    rows,
    bytes,
    sha256,
    manifest: {
      exportId: claim.exportId,
      request,
      file: { name, bytes, rows, sha256 },
      truncated: false,
      consistency: 'snapshot',
      columns: selection.columns.map((column) => ({
        name: column.name,
        databaseType: column.type,
        fileType: format.fileType(column),
      })),
      sources: [
        {
          name: source,
          rows,
          rowsWithoutTime,
          asOf: snapshot.asOf.toISOString(),
          lsn: snapshot.lsn,
        },
      ],
      skewSeconds: 0,
      createdBy: claim.ownerEmail,
    },
  };
}

interface Snapshot {
  selection: Selection;
  asOf: Date;
  lsn: string;
}

/**
 * The lock comes before the snapshot (LOCK takes none): TRUNCATE and rewriting ALTERs do not respect
 * snapshots, and one that came in between would leave us a table that looks empty.
 */
async function beginSnapshot(client: pg.Client, { source, request }: Claim): Promise<Snapshot> {
  const { dataset } = await selectionFor(client, source, request);
  await client.query('begin isolation level repeatable read read only');
  const lock = lockDataset(dataset);
  if (lock !== null) await client.query(lock);
  const { rows } = await client.query<{ as_of: Date; lsn: string }>(
    `select clock_timestamp() as as_of,
       (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end)::text as lsn`,
  );
  const [position] = rows;
  if (!position) throw new Error('the source gave no snapshot');
  // Again, now as the snapshot sees it.
  const selection = await selectionFor(client, source, request);
  return { selection, asOf: position.as_of, lsn: position.lsn };
}

async function withoutTime(client: pg.Client, selection: Selection): Promise<number> {
  const count = countRowsWithoutTime(selection);
  if (count === null) return 0;
  const { rows } = await client.query<{ rows: string }>(count);
  return Number(rows[0]?.rows);
}

async function copyOut(
  client: pg.Client,
  selection: Selection,
  format: Format,
  { writer, progress, signal }: Reading,
): Promise<{ rows: number; bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  const counter = format.counter();
  const put = async (piece: Buffer): Promise<void> => {
    hash.update(piece);
    progress.bytes += piece.length;
    await writer.write(piece);
  };
  await put(format.prologue(selection.columns));
  const stream = addAbortSignal(signal, client.query(copy.to(format.copy(selection))));
  for await (const piece of stream) {
    if (!Buffer.isBuffer(piece)) throw new Error('COPY gave something that is not bytes');
    counter.push(piece);
    progress.rows = counter.rows;
    await put(piece);
  }
  counter.end();
  // The stream ends at CopyDone; that the server has finished well is known only behind it.
  await client.query('commit');
  if (stream.rowCount !== counter.rows)
    throw new Error(`the source sent ${stream.rowCount} rows, the file has ${counter.rows}`);
  return { rows: counter.rows, bytes: progress.bytes, sha256: hash.digest('hex') };
}
