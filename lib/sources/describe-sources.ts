import type pg from 'pg';
import type { Grant } from '../contracts/grants.ts';
import type { Dataset, SourceList, SourceListQuery } from '../contracts/sources.ts';
import { AppError, serializeError } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import type { SourceColumn, SourceDataset } from './datasets.ts';
import { estimate } from './estimate.ts';
import { fitToResponse, type WholeSource } from './limit-response-size.ts';
import {
  listPermittedDatasets,
  readPermittedDataset,
  readPermittedDatasets,
} from './permitted-datasets.ts';
import { allRows, timeRange } from './query.ts';
import { type Asker, askedBy, askSource, attempt, renew } from './question.ts';
import { isOfDataset } from './source-errors.ts';
import { cachedRange, cacheIfSlow, type TimeRange } from './time-range-cache.ts';

/** The first and last time of a dataset are shown only if the source finds them within this time (by an index). */
const rangeTimeoutMs = 300;
/** Limit for all datasets of a source together; the datasets after it show no times. */
const rangeBudgetMs = 2_000;
/** The locks of all tables and their indexes in one transaction would exceed the lock table of a server. */
const queriesPerTransaction = 100;

/** More than these would not fit into a response, so they are not read. */
const maxDatasets = 30_000;
const maxColumns = 40_000;

/** The account that asks, with its rights. */
interface Reader {
  id: string;
  sources: readonly string[];
  grants: readonly Grant[];
}

/**
 * Returns the sources of an account, each with its datasets. A source that does not answer has an error; the others
 * are complete. Throws `not_found` if the account has no right to the requested source.
 */
export async function describeSources(
  account: Reader,
  { source, search }: SourceListQuery,
): Promise<SourceList> {
  const names = source === undefined ? account.sources : [granted(account, source)];
  const asker = askedBy(account);
  const sources = await Promise.all(
    names.map(async (name): Promise<WholeSource> => {
      try {
        return await describeSource(name, { asker, grants: account.grants, search });
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        logger.warn('source not described', { source: name, error: serializeError(error) });
        return { name, error: error.message, datasets: [], more: 0 };
      }
    }),
  );
  return { sources: fitToResponse(sources) };
}

/** Returns one dataset with all its columns. Throws `not_found` if the account has no such dataset. */
export async function describeDataset(
  account: Reader,
  source: string,
  name: string,
): Promise<Dataset> {
  return askSource(granted(account, source), askedBy(account), async (client) => {
    const dataset = await readPermittedDataset(client, source, name, account.grants);
    if (!dataset) throw new AppError('not_found', `${source} has no dataset ${name}.`);
    return {
      ...(await describer(client, source)(dataset, 0)),
      columns: dataset.columns.map(toPublicColumn),
    };
  });
}

function granted({ sources }: { sources: readonly string[] }, source: string): string {
  if (!sources.includes(source)) throw new AppError('not_found', `Source ${source} not found.`);
  return source;
}

const noteRefusal = (dataset: SourceDataset, error: AppError): void =>
  logger.warn('dataset left out: the conditions of a grant do not fit it', {
    dataset: dataset.name,
    error: serializeError(error),
  });

const toPublicColumn = ({ name, type, nullable }: SourceColumn): Dataset['columns'][number] => ({
  name,
  type,
  nullable,
});

const describeSource = (
  name: string,
  {
    asker,
    grants,
    search = '',
  }: { asker: Asker; grants: readonly Grant[]; search?: string | undefined },
): Promise<WholeSource> =>
  askSource(name, asker, async (client) => {
    const lowerCaseSearch = search.toLowerCase();
    const found = (await listPermittedDatasets(client, name, grants)).filter((it) =>
      it.name.toLowerCase().includes(lowerCaseSearch),
    );
    const listed = found.slice(0, maxDatasets);
    let columns = 0;
    const withColumns = listed.filter((it) => (columns += it.columns) <= maxColumns).length;
    const read = async (part: typeof listed, which: 'all columns' | 'times') =>
      readPermittedDatasets(client, name, part, { grants, columns: which, onRefused: noteRefusal });
    const permitted = [
      ...(await read(listed.slice(0, withColumns), 'all columns')),
      ...(await read(listed.slice(withColumns), 'times')),
    ];
    const byOid = new Map(permitted.map((dataset) => [dataset.oid, dataset]));
    const describe = describer(client, name);
    const datasets: WholeSource['datasets'] = [];
    for (const [n, { oid, rows }] of listed.entries()) {
      const dataset = byOid.get(oid);
      // It was dropped since it was listed, or its grant leaves nothing of it.
      if (!dataset) continue;
      datasets.push({
        head: await describe(dataset, rows),
        columns: n < withColumns ? dataset.columns.map(toPublicColumn) : null,
      });
    }
    return { name, datasets, more: found.length - listed.length };
  });

/**
 * Returns a function that describes datasets, all but their columns, one after another until `rangeBudgetMs` is used
 * up. A value whose query fails is left out of its dataset; the next datasets are queried all the same.
 */
function describer(
  client: pg.ClientBase,
  source: string,
): (dataset: SourceDataset, rows: number) => Promise<Omit<Dataset, 'columns'>> {
  const end = performance.now() + rangeBudgetMs;
  let queries = 0;
  /** The timeout is set for the transaction, which an error ends. */
  let hasTimeout = false;
  const ask = async <T>(question: () => Promise<T>, fallback: T): Promise<T> => {
    if (performance.now() >= end) return fallback;
    try {
      return await attempt(client, async () => {
        if (++queries % queriesPerTransaction === 0) {
          await renew(client);
          hasTimeout = false;
        }
        if (!hasTimeout) await client.query(`set local statement_timeout = ${rangeTimeoutMs}`);
        hasTimeout = true;
        return await question();
      });
    } catch (error) {
      hasTimeout = false;
      if (isOfDataset(error)) return fallback;
      throw error;
    }
  };
  const rangeOf = async (dataset: SourceDataset): Promise<TimeRange> => {
    const cached = cachedRange(source, dataset);
    if (cached) return cached;
    const startedAt = performance.now();
    const range = await ask(() => askRange(client, dataset), { earliest: null, latest: null });
    cacheIfSlow(source, dataset, { range, durationMs: performance.now() - startedAt });
    return range;
  };
  return async (dataset, rows) => ({
    name: dataset.name,
    kind: dataset.kind,
    ...(dataset.partitionOf === undefined ? {} : { partitionOf: dataset.partitionOf }),
    timeColumn: dataset.timeColumn?.name ?? null,
    ...(await rangeOf(dataset)),
    estimatedRows: await ask(
      async () => (await estimate(client, allRows(dataset))).rows,
      // The statistics of a table count the rows that a grant hides, too.
      typeof dataset.permission?.rows === 'string' ? 0 : Math.round(rows),
    ),
  });
}

async function askRange(client: pg.ClientBase, dataset: SourceDataset): Promise<TimeRange> {
  const none = { earliest: null, latest: null };
  if (!dataset.timeColumn) return none;
  const { rows } = await client.query<TimeRange>(timeRange(dataset, dataset.timeColumn));
  return rows[0] ?? none;
}
