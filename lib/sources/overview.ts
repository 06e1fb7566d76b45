import type pg from 'pg';
import type { Dataset, SourceList } from '../contracts/sources.ts';
import { forLog, Refusal } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { readDatasets, type SourceColumn, type SourceDataset } from './datasets.ts';
import { estimate } from './estimate.ts';
import { isOfDataset } from './faults.ts';
import { everything, timeRange } from './query.ts';
import { type Asker, askedBy, askSource, attempt } from './question.ts';

/** A first and last time are shown where the source knows them quickly (an index); this is quickly. */
const rangeTimeoutMilliseconds = 300;
/** All of them together may take this long; the datasets after that show none. */
const rangeBudgetMilliseconds = 2_000;

/** The sources of an account, each with its datasets. One that is down has an error; the others answer. */
export async function describeSources(account: {
  id: string;
  sources: readonly string[];
}): Promise<SourceList> {
  const asker = askedBy(account);
  const sources = await Promise.all(
    account.sources.map(async (name) => {
      try {
        return { name, datasets: await describeSource(name, asker) };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        logger.warn('source not described', { source: name, error: forLog(error) });
        return { name, error: error.message, datasets: [] };
      }
    }),
  );
  return { sources };
}

const shown = ({ name, type, nullable }: SourceColumn): Dataset['columns'][number] => ({
  name,
  type,
  nullable,
});

const describeSource = (name: string, asker: Asker): Promise<Dataset[]> =>
  askSource(name, asker, async (client) => {
    const datasets = await readDatasets(client, name);
    const end = performance.now() + rangeBudgetMilliseconds;
    const described: Dataset[] = [];
    /** The time-out is that of the transaction, which an error ends. */
    let limited = false;
    for (const dataset of datasets) {
      const inTime = performance.now() < end;
      /** What the server says no to is not known of this dataset; the others are asked all the same. */
      const ask = async <T>(question: () => Promise<T>, otherwise: T): Promise<T> => {
        if (!inTime) return otherwise;
        try {
          return await attempt(client, async () => {
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
      described.push({
        name: dataset.name,
        kind: dataset.kind,
        timeColumn: dataset.timeColumn?.name ?? null,
        ...(await ask(() => rangeOf(client, dataset), { earliest: null, latest: null })),
        estimatedRows: await ask(async () => (await estimate(client, everything(dataset))).rows, 0),
        columns: dataset.columns.map(shown),
      });
    }
    return described;
  });

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
