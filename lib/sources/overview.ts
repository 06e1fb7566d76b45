import type { Dataset, SourceList } from '../contracts/sources.ts';
import { codeOf, forLog } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { metadataPool } from './connection.ts';
import { readDatasets, type SourceColumn, type SourceDataset } from './datasets.ts';
import { estimate } from './estimate.ts';
import { everything, timeRange } from './query.ts';

/** A first and last time are shown where the source knows them quickly (an index); this is quickly. */
const rangeTimeoutMilliseconds = 300;
/** All of them together may take this long; the datasets after that show none. */
const rangeBudgetMilliseconds = 2_000;

/** The sources named, each with its datasets. One that is down has an error; the others answer. */
export async function describeSources(names: readonly string[]): Promise<SourceList> {
  const sources = await Promise.all(
    names.map(async (name) => {
      try {
        return { name, datasets: await describeSource(name) };
      } catch (error) {
        logger.warn('source not described', { source: name, error: forLog(error) });
        return {
          name,
          error: `The source ${name} does not answer. Its exports wait; try again in a minute.`,
          datasets: [],
        };
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

async function describeSource(name: string): Promise<Dataset[]> {
  const pool = metadataPool(name);
  const datasets = await readDatasets(pool, name);
  const end = performance.now() + rangeBudgetMilliseconds;
  const described: Dataset[] = [];
  const client = await pool.connect();
  try {
    await client.query(`set statement_timeout = ${rangeTimeoutMilliseconds}`);
    for (const dataset of datasets) {
      const known = performance.now() < end;
      const ask = async <T>(question: () => Promise<T>, otherwise: T): Promise<T> =>
        known ? question().catch((error: unknown) => orThrow(error, otherwise)) : otherwise;
      const selection = everything(dataset);
      described.push({
        name: dataset.name,
        kind: dataset.kind,
        timeColumn: dataset.timeColumn?.name ?? null,
        ...(await ask(() => rangeOf(client, dataset), { earliest: null, latest: null })),
        estimatedRows: await ask(async () => (await estimate(client, selection)).rows, 0),
        columns: dataset.columns.map(shown),
      });
    }
    await client.query('reset statement_timeout');
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
  return described;
}

/** An error the server reports about one dataset (too slow, dropped meanwhile) is not the source's. */
function orThrow<T>(error: unknown, otherwise: T): T {
  const code = codeOf(error);
  if (code !== undefined && /^(57014|42|22|0A|XX)/.test(code)) return otherwise;
  throw error;
}

interface Range {
  earliest: string | null;
  latest: string | null;
}

async function rangeOf(
  client: Parameters<typeof estimate>[0],
  dataset: SourceDataset,
): Promise<Range> {
  const none = { earliest: null, latest: null };
  if (!dataset.timeColumn) return none;
  const { rows } = await client.query<Range>(timeRange(dataset, dataset.timeColumn));
  return rows[0] ?? none;
}
