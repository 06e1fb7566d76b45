import type { Account } from '../access/accounts.ts';
import { isAfter } from '../contracts/instant.ts';
import type { Histogram, HistogramQuery } from '../contracts/sources.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { codeOf, Refusal, refusedFields } from '../runtime/errors.ts';
import { readDataset, type SourceDataset } from '../sources/datasets.ts';
import { askedBy, askSource } from '../sources/question.ts';
import { divide } from '../sources/time-buckets.ts';
import { readTimeStatistics } from '../sources/time-statistics.ts';

/**
 * Where the rows of a dataset are over time, by the statistics of its database: none is read. Throws
 * `not_found` of a source or dataset that the account does not have.
 */
export async function histogramOf(
  owner: Account,
  source: string,
  name: string,
  query: HistogramQuery,
): Promise<Histogram> {
  if (query.from !== undefined && query.to !== undefined && !isAfter(query.to, query.from))
    throw refusedFields([{ field: 'from', message: 'must be before `to`' }]);
  if (!owner.sources.includes(source))
    throw new Refusal('not_found', `There is no source ${source}.`);
  return askSource(source, askedBy(owner), async (client) => {
    const dataset = await readDataset(client, source, name);
    if (!dataset) throw new Refusal('not_found', `${source} has no dataset ${name}.`);
    return describe(client, source, dataset, query);
  });
}

async function describe(
  client: Queryable,
  source: string,
  dataset: SourceDataset,
  query: HistogramQuery,
): Promise<Histogram> {
  const { name, timeColumn } = dataset;
  const told = { dataset: name, timeColumn: timeColumn?.name ?? null };
  const unknown = (reason: string): Histogram => ({ ...told, basis: null, reason, buckets: [] });
  if (!timeColumn) return unknown(`${name} has no time column.`);
  if (dataset.kind === 'view')
    return unknown(`${name} is a view, of which the database keeps no statistics.`);
  const found = await readTimeStatistics(client, dataset, timeColumn).catch((cause: unknown) => {
    if (codeOf(cause) !== '57014') throw cause;
    throw new Refusal('source_timeout', `${source} took too long to say where its data is.`, {
      cause,
    });
  });
  if (!found) return unknown(`${name} was not analyzed yet: the database has no statistics of it.`);
  const buckets = divide(found.parts, { ...query, days: timeColumn.type === 'date' });
  const part = query.from === undefined && query.to === undefined ? '' : ' there';
  const nothing = `The statistics of ${name} name no time${part}: it has no rows, or too few.`;
  const missing = found.complete
    ? null
    : `Partitions of ${name} that were not analyzed are left out.`;
  return {
    ...told,
    basis: 'statistics',
    reason: buckets.length === 0 ? nothing : missing,
    buckets,
  };
}
