import type { SourceList } from '../../lib/contracts/sources.ts';
import type { WhereCondition } from '../../lib/contracts/where.ts';

const dataset = 'readings';
const columns = ['series', 'at', 'value'];

/** Returns the source whose readings are shown: the one that has a dataset of readings. */
export const readingsSource = ({ sources }: SourceList): string | undefined =>
  sources.find(({ datasets }) =>
    datasets.some(
      (candidate) =>
        candidate.name === dataset &&
        columns.every((column) => candidate.columns.some(({ name }) => name === column)),
    ),
  )?.name;

/** Returns the address of the export form, filled with the readings of some series in a range. */
export function exportLink(
  source: string,
  series: readonly string[],
  range: { from: number; to: number },
): string {
  const where: WhereCondition[] = [{ column: 'series', op: 'in', value: [...series] }];
  const query = new URLSearchParams({
    source,
    dataset,
    from: new Date(Math.floor(range.from / 1_000) * 1_000).toISOString(),
    to: new Date(Math.ceil(range.to / 1_000) * 1_000).toISOString(),
    where: JSON.stringify(where),
  });
  return `/exports/new?${query}`;
}
