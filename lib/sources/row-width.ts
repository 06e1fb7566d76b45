import type { Queryable } from '../runtime/catalogue.ts';
import type { SourceColumn } from './datasets.ts';
import { maskText } from './permitted-datasets.ts';
import { columnStatistics, type Selection } from './query.ts';

/** Typical characters of a value of a type as PostgreSQL writes it; for other types the statistics decide. */
const typicalCharacters: readonly [RegExp, number][] = [
  [/^smallint$/, 3],
  [/^integer$/, 6],
  [/^bigint$/, 8],
  [/^real$/, 8],
  [/^double precision$/, 14],
  [/^timestamp.* with time zone$/, 28],
  [/^timestamp/, 25],
  [/^date$/, 10],
  [/^time/, 15],
  [/^boolean$/, 1],
  [/^uuid$/, 36],
];
/** For a column without statistics: of a view, or never analyzed. */
const unknownCharacters = 16;
/** Of SHA-256 in hexadecimal digits. */
const hashCharacters = 64;

export interface RowWidth {
  /** Of all values of a row; a NULL has 0. */
  characters: number;
  /** How many values of a row are not NULL, on average. */
  values: number;
}

/** Returns the expected width of a row as text, by the statistics of the database. Reads no row of the dataset. */
export async function estimateRowWidth(client: Queryable, selection: Selection): Promise<RowWidth> {
  // The statistics of a table describe the rows that a grant hides, too.
  const isFiltered = typeof selection.dataset.permission?.rows === 'string';
  const { rows } = isFiltered
    ? { rows: [] }
    : await client.query<{ name: string; width: number; nulls: number }>(
        columnStatistics(selection.dataset),
      );
  const statisticsByColumn = new Map(rows.map((row) => [row.name, row]));
  let characters = 0;
  let values = 0;
  for (const column of selection.columns) {
    const statistics = statisticsByColumn.get(column.name);
    const isNull = column.policy === 'mask' && column.base !== 'text';
    const notNull = isNull ? 0 : 1 - (statistics?.nulls ?? 0);
    characters += notNull * charactersOf(column, statistics?.width);
    values += notNull;
  }
  return { characters, values };
}

function charactersOf({ base, policy }: SourceColumn, width = unknownCharacters): number {
  if (policy === 'hash') return hashCharacters;
  if (policy === 'mask') return maskText.length;
  const typical = typicalCharacters.find(([pattern]) => pattern.test(base));
  if (typical) return typical[1];
  // A byte is two hexadecimal digits; a numeric is stored in digits of base 10,000, each of which is four.
  if (base === 'bytea') return 2 * width;
  return base.startsWith('numeric') ? 1.2 * width : width;
}
