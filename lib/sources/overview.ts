import type pg from 'pg';
import type {
  Dataset,
  SourceDescription,
  SourceList,
  SourceListQuery,
} from '../contracts/sources.ts';
import { forLog, Refusal } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import {
  type Listed,
  listDatasets,
  readDataset,
  readDatasets,
  type SourceColumn,
  type SourceDataset,
} from './datasets.ts';
import { estimate } from './estimate.ts';
import { isOfDataset } from './faults.ts';
import { everything, timeRange } from './query.ts';
import { type Asker, askedBy, askSource, attempt, renew } from './question.ts';

/** A first and last time are shown where the source knows them quickly (an index); this is quickly. */
const rangeTimeoutMilliseconds = 300;
/** All of them together may take this long; the datasets after that show none. */
const rangeBudgetMilliseconds = 2_000;
/** The locks of all tables and their indexes would be more than a server has room for. */
const askedInOneTransaction = 100;

/** The answer of a function has at most 6 MB: all sources together get so much, */
const mostBytes = 4_500_000;
/** and more columns than these would not fit, and are not read. */
const mostColumns = 40_000;
/** What of a dataset stands beside its name and its columns. */
const bytesBesideName = 300;

/** What of an answer a source may have. */
interface Share {
  bytes: number;
  columns: number;
}

/**
 * The sources of an account, each with its datasets. One that is down has an error; the others answer. Throws
 * `not_found` if the one that is asked for is none of the account's.
 */
export async function describeSources(
  account: { id: string; sources: readonly string[] },
  { source, search }: SourceListQuery,
): Promise<SourceList> {
  const names = source === undefined ? account.sources : [granted(account, source)];
  const asker = askedBy(account);
  const share = { bytes: mostBytes / names.length, columns: mostColumns / names.length };
  const sources = await Promise.all(
    names.map(async (name): Promise<SourceDescription> => {
      try {
        return { name, ...(await describeSource(name, asker, share, search)) };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        logger.warn('source not described', { source: name, error: forLog(error) });
        return { name, error: error.message, datasets: [] };
      }
    }),
  );
  return { sources };
}

/** One dataset with all of its columns. Throws `not_found` of one that the account does not have. */
export async function describeDataset(
  account: { id: string; sources: readonly string[] },
  source: string,
  name: string,
): Promise<Dataset> {
  return askSource(granted(account, source), askedBy(account), async (client) => {
    const dataset = await readDataset(client, source, name);
    if (!dataset) throw new Refusal('not_found', `${source} has no dataset ${name}.`);
    return { ...(await describer(client)(dataset, 0)), columns: dataset.columns.map(shown) };
  });
}

function granted({ sources }: { sources: readonly string[] }, source: string): string {
  if (!sources.includes(source)) throw new Refusal('not_found', `There is no source ${source}.`);
  return source;
}

const shown = ({ name, type, nullable }: SourceColumn): Dataset['columns'][number] => ({
  name,
  type,
  nullable,
});

const describeSource = (
  name: string,
  asker: Asker,
  share: Share,
  search = '',
): Promise<Omit<SourceDescription, 'name'>> =>
  askSource(name, asker, async (client) => {
    const wanted = search.toLowerCase();
    const all = (await listDatasets(client)).filter((it) => it.name.toLowerCase().includes(wanted));
    const { listed, withColumns, bytesLeft } = divide(all, share);
    const oids = listed.map(({ oid }) => oid);
    const read = new Map(
      [
        ...(await readDatasets(client, name, oids.slice(0, withColumns), 'all columns')),
        ...(await readDatasets(client, name, oids.slice(withColumns), 'times')),
      ].map((dataset) => [dataset.oid, dataset]),
    );
    const describe = describer(client);
    const datasets: Dataset[] = [];
    let left = bytesLeft;
    for (const [n, { oid, rows }] of listed.entries()) {
      const dataset = read.get(oid);
      // It was dropped just now.
      if (!dataset) continue;
      const columns = dataset.columns.map(shown);
      left -= n < withColumns ? Buffer.byteLength(JSON.stringify(columns)) : Infinity;
      const described = await describe(dataset, rows);
      datasets.push(
        left >= 0 ? { ...described, columns } : { ...described, columns: [], columnsLeftOut: true },
      );
    }
    const datasetsLeftOut = all.length - listed.length;
    return { datasets, ...(datasetsLeftOut > 0 ? { datasetsLeftOut } : {}) };
  });

/** How many of the datasets a share of an answer has room for, and of how many it may have the columns. */
function divide(
  all: readonly Listed[],
  { bytes, columns }: Share,
): { listed: readonly Listed[]; withColumns: number; bytesLeft: number } {
  let bytesLeft = bytes;
  let listed = 0;
  for (const { name } of all) {
    const size = bytesBesideName + Buffer.byteLength(JSON.stringify(name));
    if (size > bytesLeft) break;
    bytesLeft -= size;
    listed++;
  }
  let columnsLeft = columns;
  let withColumns = 0;
  for (const dataset of all.slice(0, listed)) {
    columnsLeft -= dataset.columns;
    if (columnsLeft < 0) break;
    withColumns++;
  }
  return { listed: all.slice(0, listed), withColumns, bytesLeft };
}

/**
 * Describes datasets one after the other, all but their columns, as far as the time for it goes. What the server says
 * no to is not known of a dataset; the next ones are asked for all the same.
 */
function describer(
  client: pg.ClientBase,
): (dataset: SourceDataset, rows: number) => Promise<Omit<Dataset, 'columns'>> {
  const end = performance.now() + rangeBudgetMilliseconds;
  let asked = 0;
  /** The time-out is that of the transaction, which an error ends. */
  let limited = false;
  const ask = async <T>(question: () => Promise<T>, otherwise: T): Promise<T> => {
    if (performance.now() >= end) return otherwise;
    try {
      return await attempt(client, async () => {
        if (++asked % askedInOneTransaction === 0) {
          await renew(client);
          limited = false;
        }
        if (!limited)
          await client.query(`set local statement_timeout = ${rangeTimeoutMilliseconds}`);
        limited = true;
        return await question();
      });
    } catch (error) {
      limited = false;
      if (isOfDataset(error)) return otherwise;
      throw error;
    }
  };
  return async (dataset, rows) => ({
    name: dataset.name,
    kind: dataset.kind,
    ...(dataset.partitionOf === undefined ? {} : { partitionOf: dataset.partitionOf }),
    timeColumn: dataset.timeColumn?.name ?? null,
    ...(await ask(() => rangeOf(client, dataset), { earliest: null, latest: null })),
    estimatedRows: await ask(
      async () => (await estimate(client, everything(dataset))).rows,
      Math.round(rows),
    ),
  });
}

interface Range {
  earliest: string | null;
  latest: string | null;
}

async function rangeOf(client: pg.ClientBase, dataset: SourceDataset): Promise<Range> {
  const none = { earliest: null, latest: null };
  if (!dataset.timeColumn) return none;
  const { rows } = await client.query<Range>(timeRange(dataset, dataset.timeColumn));
  return rows[0] ?? none;
}
