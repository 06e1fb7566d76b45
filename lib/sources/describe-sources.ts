import type pg from 'pg';
import type { Dataset, SourceList, SourceListQuery } from '../contracts/sources.ts';
import { forLog, Refusal } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import {
  listDatasets,
  readDataset,
  readDatasets,
  type SourceColumn,
  type SourceDataset,
} from './datasets.ts';
import { estimate } from './estimate.ts';
import { isOfDataset } from './faults.ts';
import { fitted, type WholeSource } from './fit-answer.ts';
import { everything, timeRange } from './query.ts';
import { type Asker, askedBy, askSource, attempt, renew } from './question.ts';
import { keepIfSlow, slowRange, type TimeRange } from './slow-ranges.ts';

/** A first and last time are shown where the source knows them quickly (an index); this is quickly. */
const rangeTimeoutMilliseconds = 300;
/** All of them together may take this long; the datasets after that show none. */
const rangeBudgetMilliseconds = 2_000;
/** The locks of all tables and their indexes would be more than a server has room for. */
const askedInOneTransaction = 100;

/** More than these would not fit into an answer, and are not read. */
const mostDatasets = 30_000;
const mostColumns = 40_000;

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
  const sources = await Promise.all(
    names.map(async (name): Promise<WholeSource> => {
      try {
        return await describeSource(name, asker, search);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        logger.warn('source not described', { source: name, error: forLog(error) });
        return { name, error: error.message, datasets: [], more: 0 };
      }
    }),
  );
  return { sources: fitted(sources) };
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
    return {
      ...(await describer(client, source)(dataset, 0)),
      columns: dataset.columns.map(shown),
    };
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

const describeSource = (name: string, asker: Asker, search = ''): Promise<WholeSource> =>
  askSource(name, asker, async (client) => {
    const wanted = search.toLowerCase();
    const all = (await listDatasets(client)).filter((it) => it.name.toLowerCase().includes(wanted));
    const listed = all.slice(0, mostDatasets);
    let columns = 0;
    const whole = listed.filter((it) => (columns += it.columns) <= mostColumns).length;
    const oids = listed.map(({ oid }) => oid);
    const read = [
      ...(await readDatasets(client, name, oids.slice(0, whole), 'all columns')),
      ...(await readDatasets(client, name, oids.slice(whole), 'times')),
    ];
    const byOid = new Map(read.map((dataset) => [dataset.oid, dataset]));
    const describe = describer(client, name);
    const datasets: WholeSource['datasets'] = [];
    for (const [n, { oid, rows }] of listed.entries()) {
      const dataset = byOid.get(oid);
      // It was dropped just now.
      if (!dataset) continue;
      datasets.push({
        head: await describe(dataset, rows),
        columns: n < whole ? dataset.columns.map(shown) : null,
      });
    }
    return { name, datasets, more: all.length - listed.length };
  });

/**
 * Describes datasets one after the other, all but their columns, as far as the time for it goes. What the server says
 * no to is not known of a dataset; the next ones are asked for all the same.
 */
function describer(
  client: pg.ClientBase,
  source: string,
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
  const rangeOf = async (dataset: SourceDataset): Promise<TimeRange> => {
    const known = slowRange(source, dataset);
    if (known) return known;
    const began = performance.now();
    const range = await ask(() => askRange(client, dataset), { earliest: null, latest: null });
    keepIfSlow(source, dataset, { range, milliseconds: performance.now() - began });
    return range;
  };
  return async (dataset, rows) => ({
    name: dataset.name,
    kind: dataset.kind,
    ...(dataset.partitionOf === undefined ? {} : { partitionOf: dataset.partitionOf }),
    timeColumn: dataset.timeColumn?.name ?? null,
    ...(await rangeOf(dataset)),
    estimatedRows: await ask(
      async () => (await estimate(client, everything(dataset))).rows,
      Math.round(rows),
    ),
  });
}

async function askRange(client: pg.ClientBase, dataset: SourceDataset): Promise<TimeRange> {
  const none = { earliest: null, latest: null };
  if (!dataset.timeColumn) return none;
  const { rows } = await client.query<TimeRange>(timeRange(dataset, dataset.timeColumn));
  return rows[0] ?? none;
}
