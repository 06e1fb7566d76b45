import { randomUUIDv7 } from 'node:crypto';
import type { Account } from '../access/accounts.ts';
import type { ExportRequest } from '../contracts/export-request.ts';
import { catalogue, type Queryable, transaction } from '../runtime/catalogue.ts';
import { codeOf, messageOf, Refusal, refusedFields } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { metadataPool } from '../sources/connection.ts';
import { estimateRows } from '../sources/estimate.ts';
import type { Selection } from '../sources/query.ts';
import { type ExportRecord, loadExport } from './documents.ts';
import { type Asking, earlierAnswer, remember } from './idempotency.ts';
import { emitOutcome } from './outcomes.ts';
import { selectionFor } from './selection.ts';

interface NewExport {
  owner: Account;
  request: ExportRequest;
  /** Null if every call is a new asking. */
  asking: Asking | null;
  /** Id of the event that asked. */
  requestEventId: string | null;
}

/**
 * Makes an export: the row, its unit and the `accepted` event in one transaction. The same asking
 * again gives the export it gave before, whatever became of it. Throws refusals.
 */
export async function createExport(wanted: NewExport): Promise<ExportRecord> {
  const earlier = await before(catalogue(), wanted.asking);
  if (earlier) return earlier;

  const source = grantedSource(wanted);
  const { estimatedRows } = await look(source, wanted.request);

  return transaction(async (client) => {
    const id = randomUUIDv7();
    await client.query(
      `insert into exports (id, owner_id, request, request_event_id, estimated_rows)
       values ($1, $2, $3, $4, $5)`,
      [id, wanted.owner.id, wanted.request, wanted.requestEventId, estimatedRows],
    );
    if (wanted.asking && !(await remember(client, wanted.asking, id))) {
      const other = await before(client, wanted.asking);
      await client.query('delete from exports where id = $1', [id]);
      if (other) return other;
      throw new Error('an idempotency key was answered and forgotten within one request');
    }
    await client.query(
      `insert into units (id, export_id, kind, source) values ($1, $2, 'read', $3)`,
      [randomUUIDv7(), id, source],
    );
    await emitOutcome(client, id, 'accepted');
    return loadExport(client, id);
  });
}

async function before(client: Queryable, asking: Asking | null): Promise<ExportRecord | undefined> {
  const answered = asking ? await earlierAnswer(client, asking) : undefined;
  return answered?.exportId ? loadExport(client, answered.exportId) : undefined;
}

/** A source that is not granted is unknown to the account. */
function grantedSource({ owner, request }: NewExport): string {
  const [source = ''] = request.sources;
  if (owner.sources.includes(source)) return source;
  throw refusedFields([
    { field: 'sources', message: `names no source of yours: ${source}`, allowed: owner.sources },
  ]);
}

/** Holds the request against the source as it is now, and asks how much it will be. */
async function look(
  source: string,
  request: ExportRequest,
): Promise<{ selection: Selection; estimatedRows: number | null }> {
  try {
    const selection = await selectionFor(metadataPool(source), source, request);
    return { selection, estimatedRows: await guessRows(source, selection) };
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    logger.warn('source does not answer', {
      source,
      code: codeOf(cause),
      reason: messageOf(cause),
    });
    throw new Refusal(
      'source_unavailable',
      `The source ${source} does not answer. Nothing was made; try again in a few seconds.`,
      { cause },
    );
  }
}

/** Without an estimate an export is still an export: its progress is shown without a percentage. */
async function guessRows(source: string, selection: Selection): Promise<number | null> {
  try {
    return await estimateRows(metadataPool(source), selection);
  } catch (error) {
    logger.warn('no estimate', {
      source,
      dataset: selection.dataset.name,
      reason: messageOf(error),
    });
    return null;
  }
}
