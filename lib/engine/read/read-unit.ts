import type pg from 'pg';
import { compressionOf } from '../../formats/compression.ts';
import { formatOf } from '../../formats/index.ts';
import { pagesPerRangeOf } from '../../formats/kernel-of.ts';
import type { Progress, ReadClaim, UnitOutput, WholeClaim } from '../../scheduling/claim-types.ts';
import { terminateBackends } from '../../sources/connection.ts';
import { pageRanges } from '../../sources/page-ranges.ts';
import type { Selection } from '../../sources/query.ts';
import { assertNotLagging } from '../../sources/replication-lag.ts';
import { noteIfAlive } from '../../sources/source-errors.ts';
import { holding } from '../../sources/table-locks.ts';
import { Connections } from './connections.ts';
import { type ByteSink, encodeAndUpload } from './encode-rows.ts';
import { ParallelReaders } from './parallel-readers.ts';
import { beginSnapshot, countRowsWithoutTime } from './snapshot.ts';

interface ReadContext {
  claim: WholeClaim | ReadClaim;
  sink: ByteSink;
  /** Updated with each chunk; heartbeats report it. */
  progress: Progress;
  /** Throws `over_limit` if `progress` exceeds the limits of the account. */
  checkLimits: () => void;
  signal: AbortSignal;
  statementTimeoutSeconds: number;
}

/**
 * Reads one unit of one source under a snapshot of its own and writes it chunk by chunk. The memory it needs does not
 * depend on the size of the export: when the storage is slow, `write` waits, the sockets fill, and PostgreSQL waits.
 *
 * The unit output is complete: the server reported n rows, n rows were counted in the bytes that were hashed and
 * written, and the transactions were committed. Anything else throws.
 */
export async function readUnit(context: ReadContext): Promise<UnitOutput> {
  const { claim, signal, statementTimeoutSeconds } = context;
  const { source, attemptId } = claim;
  const { kernelBytes } = formatOf(claim.request);
  const connections = new Connections(
    claim.connections,
    source,
    attemptId,
    statementTimeoutSeconds,
    kernelBytes,
  );
  let complete = false;
  try {
    const client = await connections.first;
    await assertNotLagging(client, claim.source);
    const output = await read(client, connections.others, context);
    complete = true;
    return output;
  } catch (error) {
    await noteIfAlive(error, async () => (await connections.first).query('rollback'));
    throw error;
  } finally {
    // A second connection terminates them: the server may be in the middle of a COPY or of a long sort.
    if (!complete || signal.aborted) await terminateBackends(claim.source, claim.attemptId);
    await connections.close(complete);
  }
}

async function read(
  client: pg.Client,
  others: Connections['others'],
  { claim, sink, progress, checkLimits, signal }: ReadContext,
): Promise<UnitOutput> {
  const { request } = claim;
  const format = formatOf(request);
  const { selection, asOf, lsn, cursor, rowSecurity } = await beginSnapshot(client, claim);
  const selections = await divideByPages(client, selection, claim);
  // The header of a compressed file is in one member with rows: some readers guess the types from the first member.
  const begins =
    claim.kind === 'whole' || (claim.ordinal === 0 && compressionOf(request).createStream !== null);
  const readers = await ParallelReaders.join(client, {
    others: others.slice(0, selections.length - 1),
    holding: holding(selection),
  });
  try {
    const rowsWithoutTime = await countRowsWithoutTime(client, claim, selection);
    const { nulled, ...encodedRows } = await encodeAndUpload(readers, {
      request,
      columns: selection.columns,
      statements: selections.map((pageSelection) => format.copy(pageSelection)),
      whole: claim.kind === 'whole',
      begins,
      sink,
      progress,
      checkLimits,
      signal,
    });
    await readers.commit();
    return {
      ...encodedRows,
      begins,
      source: claim.source,
      dataset: { schema: selection.dataset.schema, relation: selection.dataset.relation },
      rowsWithoutTime,
      ...(rowSecurity ? { rowSecurity } : {}),
      asOf: asOf.toISOString(),
      lsn,
      ...(cursor === undefined ? {} : { cursor }),
      schema: selection.columns,
      columns: selection.columns.map((column, n) => {
        const nullPolicy = format.nullPolicy?.(column);
        const nullsOf = { policy: nullPolicy, nulled: nulled[n] ?? 0 };
        return {
          name: column.name,
          databaseType: column.type,
          fileType: format.fileType(column),
          ...(nullPolicy === undefined ? {} : nullsOf),
          ...(column.policy === undefined ? {} : { policy: column.policy }),
        };
      }),
    };
  } catch (error) {
    await readers.noteIfAlive(error);
    throw error;
  }
}

/** Returns one selection for each page range, in the order of the file, or the selection undivided. */
async function divideByPages(
  client: pg.Client,
  selection: Selection,
  { request, connections }: ReadContext['claim'],
): Promise<Selection[]> {
  const pagesPerRange = pagesPerRangeOf(formatOf(request), selection.columns, request.compression);
  if (connections === 1 || pagesPerRange === null) return [selection];
  const ranges = await pageRanges(client, selection, pagesPerRange);
  return ranges.length === 0 ? [selection] : ranges.map((pages) => ({ ...selection, pages }));
}
