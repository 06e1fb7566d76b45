import type { Account } from '../../access/accounts.ts';
import { isAfter } from '../../contracts/instant.ts';
import type { Histogram, HistogramQuery } from '../../contracts/sources.ts';
import type { Queryable } from '../../runtime/catalogue.ts';
import { AppError, errorCode, invalidFields } from '../../runtime/errors.ts';
import type { SourceDataset } from '../../sources/datasets.ts';
import { readPermittedDataset } from '../../sources/permitted-datasets.ts';
import { askedBy, askSource } from '../../sources/question.ts';
import { bucketize } from '../../sources/time-buckets.ts';
import { readTimeStatistics } from '../../sources/time-statistics.ts';

/**
 * Returns the distribution of a dataset's rows over time from the statistics of its database, without reading rows.
 * Throws `not_found` for a source or dataset that the account cannot read.
 */
export async function getHistogram(
  owner: Account,
  source: string,
  name: string,
  query: HistogramQuery,
): Promise<Histogram> {
  if (query.from !== undefined && query.to !== undefined && !isAfter(query.to, query.from))
    throw invalidFields([{ field: 'from', message: 'must be before `to`' }]);
  if (!owner.sources.includes(source))
    throw new AppError('not_found', `There is no source ${source}.`);
  return askSource(source, askedBy(owner), async (client) => {
    const dataset = await readPermittedDataset(client, source, name, owner.grants);
    if (!dataset) throw new AppError('not_found', `${source} has no dataset ${name}.`);
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
  const base = { dataset: name, timeColumn: timeColumn?.name ?? null };
  const unknown = (reason: string): Histogram => ({ ...base, basis: null, reason, buckets: [] });
  if (!timeColumn) return unknown(`${name} has no time column.`);
  if (typeof dataset.permission?.rows === 'string')
    return unknown(
      `You may read some rows of ${name}; the statistics of the database describe all of them.`,
    );
  if (dataset.kind === 'view')
    return unknown(`${name} is a view, for which the database keeps no statistics.`);
  const statistics = await readTimeStatistics(client, dataset, timeColumn).catch(
    (cause: unknown) => {
      if (errorCode(cause) !== '57014') throw cause;
      throw new AppError(
        'source_timeout',
        `${source} took too long to read the statistics of ${name}.`,
        {
          cause,
        },
      );
    },
  );
  if (!statistics)
    return unknown(`${name} was not analyzed yet: the database has no statistics for it.`);
  const buckets = bucketize(statistics.parts, { ...query, days: timeColumn.type === 'date' });
  const place = query.from === undefined && query.to === undefined ? '' : ' in this range';
  const noTimes = `The statistics of ${name} have no times${place}: there are no rows, or too few.`;
  const omissions = statistics.complete
    ? null
    : `Partitions of ${name} that were not analyzed are omitted.`;
  return {
    ...base,
    basis: 'statistics',
    reason: buckets.length === 0 ? noTimes : omissions,
    buckets,
  };
}
