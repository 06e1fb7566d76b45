import type pg from 'pg';
import { compressionOf } from '../formats/compression.ts';
import { formatOf } from '../formats/index.ts';
import type { Piece, PieceClaim, Progress, WholeClaim } from '../scheduling/attempt.ts';
import { connectReader, endBackends } from '../sources/connection.ts';
import { noteIfAlive } from '../sources/faults.ts';
import { requireFresh } from '../sources/guard.ts';
import { holding } from '../sources/hold.ts';
import { pageRanges } from '../sources/page-ranges.ts';
import type { Selection } from '../sources/query.ts';
import { Readers } from './readers.ts';
import { beginSnapshot, withoutTime } from './snapshot.ts';
import { type Sink, writeRows } from './write-rows.ts';

/**
 * Reads one unit of one source under a snapshot of its own and writes it, piece by piece, as it comes. The
 * memory it needs does not depend on the size of the export; when the storage is slow, `write` waits, the
 * sockets fill, and PostgreSQL waits.
 *
 * Complete means: the server says it sent n rows, we counted n rows in the bytes we hashed and wrote,
 * and the transactions ended well. Anything else throws, and so does an export that grows over a limit of
 * its account.
 */
interface Reading {
  claim: WholeClaim | PieceClaim;
  sink: Sink;
  /** Kept current, for the heartbeat. */
  progress: Progress;
  /** Throws when that is more than the account may export. */
  requireRoom: () => void;
  signal: AbortSignal;
  statementTimeoutSeconds: number;
}

export async function readUnit(reading: Reading): Promise<Piece> {
  const { claim, signal, statementTimeoutSeconds } = reading;
  const connect = () => connectReader(claim.source, claim.attemptId, statementTimeoutSeconds);
  const client = await connect();
  let complete = false;
  try {
    await requireFresh(client, claim.source);
    const piece = await read(client, connect, reading);
    complete = true;
    return piece;
  } catch (error) {
    await noteIfAlive(error, () => client.query('rollback'));
    throw error;
  } finally {
    // Ended by a second connection: the server may be in the middle of a COPY, or of a long sort.
    if (!complete || signal.aborted) await endBackends(claim.source, claim.attemptId);
    await client.end();
  }
}

async function read(
  client: pg.Client,
  connect: () => Promise<pg.Client>,
  { claim, sink, progress, requireRoom, signal }: Reading,
): Promise<Piece> {
  const { request } = claim;
  const format = formatOf(request);
  const { selection, asOf, lsn, rowSecurity } = await beginSnapshot(client, claim);
  const parts = await partsOf(client, selection, claim);
  const others = Math.min(claim.connections, parts.length) - 1;
  // Of a compressed file the header is in one member with rows: a reader may guess the types from the first alone.
  const begins =
    claim.kind === 'whole' || (claim.ordinal === 0 && compressionOf(request).member !== null);
  const readers = await Readers.join(client, { others, holding: holding(selection), connect });
  try {
    const rowsWithoutTime = await withoutTime(client, claim, selection);
    const { nulled, ...written } = await writeRows(readers, {
      request,
      columns: selection.columns,
      statements: parts.map((part) => format.copy(part)),
      whole: claim.kind === 'whole',
      begins,
      sink,
      progress,
      requireRoom,
      signal,
    });
    await readers.commit();
    return {
      ...written,
      begins,
      source: claim.source,
      dataset: { schema: selection.dataset.schema, relation: selection.dataset.relation },
      rowsWithoutTime,
      ...(rowSecurity ? { rowSecurity } : {}),
      asOf: asOf.toISOString(),
      lsn,
      schema: selection.columns,
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
  } catch (error) {
    await readers.noteIfAlive(error);
    throw error;
  } finally {
    await readers.close();
  }
}

/** What is read side by side, in the order of the file; all at once if it cannot be divided, or needs not. */
async function partsOf(
  client: pg.Client,
  selection: Selection,
  { request, connections }: Reading['claim'],
): Promise<Selection[]> {
  const { pagesOfPart } = formatOf(request);
  if (connections === 1 || pagesOfPart === null) return [selection];
  const ranges = await pageRanges(client, selection, pagesOfPart);
  return ranges.length === 0 ? [selection] : ranges.map((pages) => ({ ...selection, pages }));
}
