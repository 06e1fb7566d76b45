import type { Account } from '../access/accounts.ts';
import type { Grant } from '../contracts/grants.ts';
import type { WhereCondition } from '../contracts/where.ts';
import { config } from '../runtime/config.ts';
import { AppError } from '../runtime/errors.ts';
import { grantFor } from '../sources/permitted-datasets.ts';

/** The dataset that ingest writes. A grant of it is the right to series, charts and live sockets as well. */
export const readingsDataset = 'readings';

/** The columns that series, charts and live sockets show. */
const shownColumns = ['series', 'at', 'value'];

/**
 * What a grant permits of the readings: all series, these, or none. `unsupported`: it hides rows or columns in a way that
 * only an export can apply, because rollups and live sockets know nothing but the series of a reading.
 */
export type ReadableSeries = 'all' | 'none' | 'unsupported' | ReadonlySet<string>;

export function readableSeries(
  grant: Pick<Grant, 'columns' | 'where'> | undefined,
): ReadableSeries {
  if (!grant) return 'none';
  const policies = new Map(Object.entries(grant.columns));
  if (shownColumns.some((name) => (policies.get(name) ?? 'allow') !== 'allow'))
    return 'unsupported';
  let readable: ReadonlySet<string> | null = null;
  for (const item of grant.where) {
    const alternatives = ('any' in item ? item.any : [item]).map(namesOf);
    const names = new Set<string>();
    for (const alternative of alternatives) {
      if (!alternative) return 'unsupported';
      for (const name of alternative) names.add(name);
    }
    readable = readable ? intersectionOf(readable, names) : names;
  }
  return readable ?? 'all';
}

const intersectionOf = (a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([...a].filter((name) => b.has(name)));

/** Returns whether an account may read each of these series. */
export function mayReadAll(readable: ReadableSeries, series: ReadonlySet<string>): boolean {
  if (typeof readable === 'string') return readable === 'all';
  return [...series].every((name) => readable.has(name));
}

/** Returns the names of series that a condition permits, undefined if it is another kind of condition. */
function namesOf({ column, op, value }: WhereCondition): string[] | undefined {
  if (column !== 'series' || (op !== 'eq' && op !== 'in')) return undefined;
  return [value].flat().filter((name) => typeof name === 'string');
}

/** The source of the readings, and what an account may read of them. */
interface ReadableReadings {
  source: string;
  /** Null: all series. */
  series: ReadonlySet<string> | null;
}

/**
 * Returns undefined if the account has no grant of the readings, or this installation has none. Throws `forbidden` if its
 * grant can only be applied to an export.
 */
export function readableReadingsOf(account: Pick<Account, 'grants'>): ReadableReadings | undefined {
  const source = config().readings?.source;
  if (source === undefined) return undefined;
  const series = readableSeries(grantFor(account.grants, source, readingsDataset));
  if (series === 'none') return undefined;
  if (series === 'unsupported')
    throw new AppError(
      'forbidden',
      `Your right to the readings is limited to some of their rows or columns, which series and charts cannot show. Export the dataset ${readingsDataset} of ${source} instead.`,
    );
  return { source, series: series === 'all' ? null : series };
}
