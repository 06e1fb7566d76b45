import type { Account } from '../access/accounts.ts';
import type { ExportRequest } from '../contracts/export-request.ts';
import { codeOf, messageOf, Refusal, refusedFields } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { metadataPool } from '../sources/connection.ts';
import { type Estimate, estimate } from '../sources/estimate.ts';
import type { Selection } from '../sources/query.ts';
import { requireAgreement, selectionFor } from './selection.ts';

/** What a request selects of one source as it is now, and what its planner expects of that. */
export interface Look {
  source: string;
  selection: Selection;
  expected: Estimate | null;
}

/** Every source as it is now, each of them the account's, all with the same dataset. */
export async function lookAt(owner: Account, request: ExportRequest): Promise<Look[]> {
  requireGranted(owner, request);
  const looks = await Promise.all(
    request.sources.map((source) =>
      answering(source, async () => {
        const selection = await selectionFor(metadataPool(source), source, request);
        return { source, selection, expected: await guess(source, selection) };
      }),
    ),
  );
  requireAgreement(looks);
  return looks;
}

/** What all sources are expected to give together; null if of one of them nobody knows. */
export function expectedOf(looks: readonly Look[]): Pick<Estimate, 'rows' | 'seconds'> | null {
  const all = { rows: 0, seconds: 0 };
  for (const { expected } of looks) {
    if (!expected) return null;
    all.rows += expected.rows;
    all.seconds += expected.seconds;
  }
  return all;
}

/** Asks a source; what it throws that is no refusal of ours means that it does not answer. */
export async function answering<T>(source: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
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

/** A source that is not granted is unknown to the account. */
function requireGranted(owner: Account, { sources }: ExportRequest): void {
  const others = sources.filter((source) => !owner.sources.includes(source));
  if (others.length === 0) return;
  throw refusedFields([
    {
      field: 'sources',
      message: `names no source of yours: ${others.join(', ')}`,
      allowed: owner.sources,
    },
  ]);
}

/** Without an estimate an export is still an export: its progress is shown without a percentage. */
async function guess(source: string, selection: Selection): Promise<Estimate | null> {
  try {
    return await estimate(metadataPool(source), selection);
  } catch (error) {
    // No value of the column's type, or no such comparison of it: said by the database, which knows its types.
    if (selection.where.length > 0 && /^(22|42883|42804)/.test(codeOf(error) ?? ''))
      throw refusedFields([
        { field: 'where', message: `is not what the database takes: ${messageOf(error)}` },
      ]);
    logger.warn('no estimate', {
      source,
      dataset: selection.dataset.name,
      reason: messageOf(error),
    });
    return null;
  }
}
