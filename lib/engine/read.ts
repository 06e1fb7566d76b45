import { createHash } from 'node:crypto';
import { addAbortSignal } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import copy from 'pg-copy-streams';
import { selectionFor, withSourceColumn } from '../exports/selection.ts';
import { compressionOf } from '../formats/compression.ts';
import { formatOf } from '../formats/index.ts';
import type { Piece, PieceClaim, WholeClaim } from '../scheduling/attempt.ts';
import type { Progress } from '../scheduling/lease.ts';
import { connectReader, endBackends } from '../sources/connection.ts';
import { requireFresh } from '../sources/guard.ts';
import { countRowsWithoutTime, lockDataset, type Selection } from '../sources/query.ts';
import type { MultipartWriter } from '../storage/multipart.ts';

/**
 * Reads one unit of one source under a snapshot of its own and writes it, piece by piece, as it comes:
 * COPY → encode, count → compress → hash → multipart upload. The memory it needs does not depend on the
 * size of the export; when the storage is slow, `write` waits, the socket fills, and PostgreSQL waits.
 *
 * Complete means: the server says it sent n rows, we counted n rows in the bytes we hashed and wrote,
 * and the transaction ended well. Anything else throws.
 */
interface Reading {
  claim: WholeClaim | PieceClaim;
  writer: MultipartWriter;
  /** Kept current, for the heartbeat. */
  progress: Progress;
  signal: AbortSignal;
  statementTimeoutSeconds: number;
}

export async function readUnit(reading: Reading): Promise<Piece> {
  const { claim, signal } = reading;
  const client = await connectReader(
    claim.source,
    claim.attemptId,
    reading.statementTimeoutSeconds,
  );
  let complete = false;
  try {
    await requireFresh(client, claim.source);
    const piece = await read(client, reading);
    complete = true;
    return piece;
  } finally {
    // Ended by a second connection: the server may be in the middle of a COPY, or of a long sort.
    if (!complete || signal.aborted) await endBackends(claim.source, claim.attemptId);
    await client.end();
  }
}

async function read(client: pg.Client, reading: Reading): Promise<Piece> {
  const { claim } = reading;
  const format = formatOf(claim.request);
  const { selection, asOf, lsn } = await beginSnapshot(client, claim);
  const rowsWithoutTime = await withoutTime(client, claim, selection);
  const { nulled, ...written } = await copyOut(client, selection, reading);
  return {
    ...written,
    source: claim.source,
    rowsWithoutTime,
    asOf: asOf.toISOString(),
    lsn,
    columns: selection.columns.map((column, n) => {
      const policy = format.policy?.(column);
      return {
        name: column.name,
        databaseType: column.type,
        fileType: format.fileType(column),
        ...(policy === undefined ? {} : { policy, nulled: nulled[n] ?? 0 }),
      };
    }),
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
async function beginSnapshot(
  client: pg.Client,
  { source, request, ...claim }: Reading['claim'],
): Promise<Snapshot> {
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
  const selection = withSourceColumn(await selectionFor(client, source, request), source, request);
  const range = claim.kind === 'piece' ? (claim.range ?? undefined) : undefined;
  return {
    selection: { ...selection, range },
    asOf: position.as_of,
    lsn: position.lsn,
  };
}

/** Rows without a time are in no unit's range: the first unit of a source counts them for all. */
async function withoutTime(
  client: pg.Client,
  claim: Reading['claim'],
  selection: Selection,
): Promise<number> {
  const count = countRowsWithoutTime(selection);
  const isFirst = claim.kind === 'whole' || claim.range === null || claim.range.from === null;
  if (count === null || !isFirst) return 0;
  const { rows } = await client.query<{ rows: string }>(count);
  return Number(rows[0]?.rows);
}

async function copyOut(
  client: pg.Client,
  selection: Selection,
  { claim, writer, progress, signal }: Reading,
): Promise<{ rows: number; bytes: number; sha256: string; nulled: readonly number[] }> {
  const format = formatOf(claim.request);
  const { member } = compressionOf(claim.request);
  const encoder = format.encoder(selection.columns, claim.request.compression);
  const hash = createHash('sha256');
  const stream = addAbortSignal(signal, client.query(copy.to(format.copy(selection))));

  async function* received(): AsyncGenerator<Buffer> {
    for await (const piece of stream) {
      if (!Buffer.isBuffer(piece)) throw new Error('COPY gave something that is not bytes');
      yield piece;
      progress.rows = encoder.rows;
    }
  }
  async function* encode(): AsyncGenerator<Buffer> {
    // The pieces of a file are put together behind a prologue of its own.
    if (claim.kind === 'whole') yield format.prologue(selection.columns);
    yield* encoder.encode(received());
    if (claim.kind === 'whole') yield format.epilogue();
  }
  async function write(pieces: AsyncIterable<Buffer>): Promise<void> {
    for await (const piece of pieces) {
      hash.update(piece);
      progress.bytes += piece.length;
      await writer.write(piece);
    }
  }
  if (member) await pipeline(encode, member(), write, { signal });
  else await write(encode());

  // The stream ends at CopyDone; that the server has finished well is known only behind it.
  await client.query('commit');
  if (stream.rowCount !== encoder.rows)
    throw new Error(`the source sent ${stream.rowCount} rows, the file has ${encoder.rows}`);
  const nulled = encoder.nulled?.() ?? [];
  return { rows: encoder.rows, bytes: progress.bytes, sha256: hash.digest('hex'), nulled };
}
